#include "sim/system/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text);
  file.finish();
}

std::string refusal(const std::string& path) {
  return message_of<InputError>([&] { const OutputFile file(path, "--trace it"); });
}

}  // namespace

TEST_CASE("An output file is there when it is finished, and not before") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", "before");
  chmod(path.c_str(), 0640);
  {
    OutputFile file(path);
    file.write("half");
    CHECK(content_of(path) == "before");
  }
  CHECK(content_of(path) == "before");
  CHECK(folder.entries() == 1);
  const std::string large(1 << 18, 'x');
  write(path, large);
  CHECK(content_of(path) == large);
  CHECK(folder.entries() == 1);
  struct stat now {};
  REQUIRE(stat(path.c_str(), &now) == 0);
  CHECK((now.st_mode & 0777) == 0640);
}

TEST_CASE("Two output files of one name do not meet before they are finished") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  OutputFile first(path), second(path);
  first.write("first");
  second.write("second");
  first.finish();
  CHECK(content_of(path) == "first");
  second.finish();
  CHECK(content_of(path) == "second");
  CHECK(folder.entries() == 1);
}

TEST_CASE("Symbolic links are followed, and stay") {
  const TemporaryFolder folder;
  const std::string target = folder.write("below/target", "before");
  fs::create_symlink("below/link", folder.file("link"));  // relative, in two steps
  fs::create_symlink("target", folder.file("below/link"));
  write(folder.file("link"), "after");
  CHECK(fs::is_symlink(folder.file("link")));
  CHECK(fs::is_symlink(folder.file("below/link")));
  CHECK(content_of(target) == "after");

  fs::create_symlink(folder.file("new"), folder.file("dangling"));
  write(folder.file("dangling"), "made");
  CHECK(fs::is_symlink(folder.file("dangling")));
  CHECK(content_of(folder.file("new")) == "made");

  fs::create_symlink("loop", folder.file("loop"));
  CHECK_THAT(refusal(folder.file("loop")), Contains("cannot be written"));
}

TEST_CASE("What is no regular file is written to, and never replaced") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(refusal(pipe) == "--trace it: cannot be written: it is a pipe that nobody reads from");
  std::string read;
  std::thread reader([&] { read = content_of(pipe); });
  write(pipe, "through the pipe");
  reader.join();
  CHECK(read == "through the pipe");
  CHECK(fs::is_fifo(pipe));

  write("/dev/null", "into nothing");
  CHECK(fs::is_character_file("/dev/null"));
  OutputFile full("/dev/full");
  full.write("too much");
  CHECK(message_of<MachineError>([&] { full.finish(); }) ==
        "/dev/full: cannot be written: No space left on device");
}

TEST_CASE("This process's own output goes on where it was") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out", "");
  const int before = dup(STDERR_FILENO);
  const int opened = open(path.c_str(), O_WRONLY | O_APPEND);
  dup2(opened, STDERR_FILENO);
  std::fputs("one ", stderr);
  write(path, "two ");
  std::fputs("three", stderr);
  dup2(before, STDERR_FILENO);
  close(opened);
  close(before);
  CHECK(content_of(path) == "one two three");
}

TEST_CASE("A file that cannot be written is refused when it is opened") {
  const TemporaryFolder folder;
  CHECK(refusal(folder.file("missing/a")) ==
        "--trace it: cannot be written: No such file or directory");
  CHECK(refusal(folder.file("")) ==
        "--trace it: cannot be written: " + folder.file("") + " is a folder");
  CHECK_THAT(refusal(folder.write("file", "") + "/a"), Contains("Not a directory"));
  CHECK_THAT(refusal(folder.file(std::string(300, 'a'))), Contains("cannot be written"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("A folder for output that nothing was written to is not left behind") {
  const TemporaryFolder folder;
  { const OutputFolder made(folder.file("a/b/c")); }
  CHECK(folder.entries() == 0);
  {
    const OutputFolder made(folder.file("a/b/c/"));
    write(folder.file("a/b/c/file"), "kept");
  }
  CHECK(content_of(folder.file("a/b/c/file")) == "kept");
  { const OutputFolder there(folder.file("a/b")); }
  CHECK(fs::exists(folder.file("a/b/c/file")));
  const std::string file = folder.file("a/b/c/file");
  CHECK(message_of<InputError>([&] { const OutputFolder made(file + "/d", "--out it"); }) ==
        "--out it: expected a folder, but " + file + " is a file");
}

TEST_CASE("A process that ends at once leaves neither a temporary file nor a folder behind") {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const OutputFolder made(folder.file("a/b/c"));
    const OutputFile file(folder.file("a/b/c/file")), other(folder.file("other"));
    remove_temporary_files();
    _exit(0);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(folder.entries() == 0);
}

TEST_CASE("An output over an input or over another output is refused, whatever its path") {
  const TemporaryFolder folder;
  const std::string input = folder.write("in", "read");
  fs::create_symlink("in", folder.file("link"));
  fs::create_hard_link(input, folder.file("hard"));
  const auto refused = [&](const std::string& path) {
    return message_of<InputError>([&] { check_outputs({{"--trace it", path}}, {input}); });
  };
  for (const char* name : {"in", "link", "hard", "./in"}) {
    INFO(name);
    CHECK(refused(folder.file(name)) ==
          "--trace it: would be written over " + input + ", which this run reads");
  }
  CHECK(refused(folder.file("new")) == "");
  CHECK(refused("/dev/null") == "");
  CHECK_THAT(
      message_of<InputError>([&] {
        check_outputs({{"--out it", folder.file("new")}, {"--trace it", folder.file("./new")}}, {});
      }),
      Contains("--trace it: would be written over " + folder.file("new")));
  CHECK_NOTHROW(check_outputs({{"--out it", "/dev/null"}, {"--trace it", "/dev/null"}}, {}));
}
