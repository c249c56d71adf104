// What may happen to the cache of machines and to the tools around it. The tools are scripts here,
// which are done at once; what they make is never opened.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/system/interruption.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

/// verilator, make and g++ as scripts, alone in PATH; each tells of its calls.
class FakeTools {
 public:
  FakeTools() : path_(std::getenv("PATH")) {
    // Their #! names the shell; what they call is built into it.
    script("verilator",
           "case $1 in --version) echo Verilator 1.0;; --getenv) echo /verilator;; esac");
    script("make", ":");
    script("g++",
           "case $1 in --version) echo g++ 1.0; exit;; esac\n"
           "while [ \"$1\" != -o ]; do shift; done\n"
           "echo a library > \"$2\"");
    setenv("PATH", folder_.file("bin").c_str(), 1);
    folder_.write("rtl/files.f", "machine.sv\n+generated\n");
    folder_.write("rtl/machine.sv", "module corank_simulation; endmodule\n");
    folder_.write("generated/interface_pkg.sv", "package interface_pkg; endpackage\n");
    setenv("CORANK_RTL_DIR", folder_.file("rtl").c_str(), 1);
    setenv("CORANK_GENERATED_RTL_DIR", folder_.file("generated").c_str(), 1);
    options.cache_directory = folder_.file("cache");
    options.quiet = true;
  }
  ~FakeTools() {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("CORANK_RTL_DIR");
    unsetenv("CORANK_GENERATED_RTL_DIR");
  }

  void script(const std::string& name, const std::string& text) const {
    const std::string path =
        folder_.write("bin/" + name, "#!/bin/sh\necho " + name + " \"$@\" >> " +
                                         folder_.file("calls") + "\n" + text + "\n");
    chmod(path.c_str(), 0755);
  }
  std::string build() const { return machine_library({}, options); }
  std::string failure() const {
    return message_of<MachineError>([&] { build(); });
  }
  int builds() const {
    const std::string calls = content_of(folder_.file("calls"));
    int count = 0;
    for (std::size_t at = 0; (at = calls.find("\nmake ", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  const TemporaryFolder& folder() const { return folder_; }
  MachineBuildOptions options;

 private:
  TemporaryFolder folder_;
  std::string path_;
};

}  // namespace

TEST_CASE("a cached machine that was cut or changed is built again") {
  const FakeTools tools;
  const std::string library = tools.build();
  REQUIRE(content_of(library) == "a library\n");
  CHECK(tools.build() == library);
  CHECK(tools.builds() == 1);
  int builds = 1;
  for (const char* wrong : {"a libr", "", "a Library\n", "a library\n "}) {
    INFO(wrong);
    std::ofstream(library) << wrong;
    CHECK(tools.build() == library);
    CHECK(content_of(library) == "a library\n");
    CHECK(tools.builds() == ++builds);
  }
  fs::remove(fs::path(library).replace_extension(".sum"));  // of a run that was ended in between
  CHECK(tools.build() == library);
  CHECK(tools.builds() == ++builds);
}

TEST_CASE("what a tool says beside its version is not taken for it") {
  const FakeTools tools;
  const std::string library = tools.build();
  tools.script("verilator", "echo perl: warning: Setting locale failed. >&2; echo Verilator 1.0");
  CHECK(tools.build() == library);
  CHECK(tools.builds() == 1);
  tools.script("verilator",
               "case $1 in --version) echo Verilator 2.0;; --getenv) echo /verilator;; esac");
  CHECK(tools.build() != library);
}

TEST_CASE("a cached machine runs where the tools are gone; another one says what is missing") {
  const FakeTools tools;
  const std::string library = tools.build();
  for (const char* tool : {"verilator", "g++", "make"})
    fs::remove(tools.folder().file("bin/") + tool);
  CHECK(tools.build() == library);
  MachineShape other;
  other.queue_depth = 5;
  CHECK(message_of<MachineError>([&] { machine_library(other, tools.options); }) ==
        "`verilator --version`, needed to build the machine, fails: cannot be started: No such "
        "file or directory");
  std::ofstream(library) << "cut";
  CHECK_THAT(tools.failure(), Contains("verilator --version"));
}

TEST_CASE("RTL that is not there is named, with the variable that says where it is") {
  const FakeTools tools;
  tools.build();
  fs::remove_all(tools.folder().file("rtl"));
  CHECK_THAT(tools.failure(), Contains("rtl/files.f: cannot be read") &&
                                  Contains("No such file or directory") &&
                                  Contains("CORANK_RTL_DIR"));
}

TEST_CASE("a tool that fails without a word is reported with how it ended") {
  const FakeTools tools;
  tools.script("verilator", "exit 24");
  CHECK(tools.failure() ==
        "`verilator --version`, needed to build the machine, fails: exit code 24");
  tools.script("verilator", "echo Can not dup >&2; exit 24");
  CHECK(tools.failure() ==
        "`verilator --version`, needed to build the machine, fails: exit code 24: Can not dup");
}

TEST_CASE("the cache may lie in a folder of any name") {
  FakeTools tools;
  for (const std::string name :
       {"a b", "a'b", "a\"b", "a$b", "a#b", "a:b", "a;b", "a%b", "-a", "a\\b"}) {
    INFO(name);
    tools.options.cache_directory = tools.folder().file("caches/" + name);
    CHECK(content_of(tools.build()) == "a library\n");
  }
  // No tool has seen such a name.
  CHECK_THAT(content_of(tools.folder().file("calls")), !Contains("caches"));
}

TEST_CASE("a build that is given up ends its tools, and leaves nothing in the cache") {
  FakeTools tools;
  const std::string number = tools.folder().file("number");
  tools.script("make", "while :; do :; done &\necho $! > " + number + "\nwait");
  tools.options.stop = [&] { return !content_of(number).empty(); };
  CHECK_THROWS_AS(tools.build(), Interrupted);
  const std::string state = "/proc/" + std::to_string(std::stoi(content_of(number))) + "/stat";
  for (int i = 0;
       i < 500 && !content_of(state).empty() && content_of(state).find(") Z") == std::string::npos;
       ++i)
    usleep(10000);
  CHECK((content_of(state).empty() || content_of(state).find(") Z") != std::string::npos));
  for (const auto& entry : fs::directory_iterator(tools.options.cache_directory))
    CHECK(entry.path().extension() == ".lock");
}
