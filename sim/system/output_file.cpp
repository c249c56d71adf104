#include "sim/system/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 1 << 16;
// A reader of a pipe that is started beside this program gets so long to open it.
constexpr auto kReaderStarts = std::chrono::seconds(1);

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Paths that a signal handler finds; more places than any command has files at a time, and a path
/// has folders that are not there.
class NotedPaths {
 public:
  void note(const char* path) {
    for (auto& place : places_) {
      const char* none = nullptr;
      if (place.compare_exchange_strong(none, path)) return;
    }
  }
  void forget(const char* path) {
    for (auto& place : places_) {
      const char* expected = path;
      if (place.compare_exchange_strong(expected, nullptr)) return;
    }
  }
  /// The last noted first.
  template <class Remove>
  void each(const Remove& remove) const {
    for (auto place = places_.rbegin(); place != places_.rend(); ++place)
      if (const char* path = place->load()) remove(path);
  }

 private:
  std::array<std::atomic<const char*>, 64> places_{};
};

NotedPaths temporaries, made_folders;

/// What the path leads to, through symbolic links; it need not be there.
std::string followed(const std::string& path) {
  constexpr int kMostLinks = 40;  // as Linux follows them
  fs::path at = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    const fs::path next = fs::read_symlink(at, error);
    if (error) return at.string();
    at = next.is_absolute() ? next : at.parent_path() / next;
  }
  return at.string();
}

/// Without symbolic links, dots and a working directory; as it is where nobody may look.
fs::path absolute_path(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::weakly_canonical(path, error);
  return error ? fs::path(path) : absolute;
}

/// A name beside `target` that no other process and no other file of this one uses.
std::string temporary_beside(const std::string& target) {
  static std::atomic<int> count{0};
  const std::string name =
      ".corank-" + std::to_string(getpid()) + "-" + std::to_string(count.fetch_add(1));
  return (fs::path(target).parent_path() / name).string();
}

}  // namespace

OutputFile::OutputFile(const std::string& path, const std::string& named)
    : named_(named.empty() ? path : named) {
  struct stat there {};
  const bool exists = stat(path.c_str(), &there) == 0;
  if (!exists && errno != ENOENT) refuse(errno);
  if (exists) {
    if (S_ISDIR(there.st_mode))
      throw InputError(named_ + ": cannot be written: " + path + " is a folder");
    if (S_ISBLK(there.st_mode)) refuse(EPERM);  // a disk, nearly always by mistake
    for (const int own : {STDOUT_FILENO, STDERR_FILENO}) {
      struct stat stream {};
      if (fstat(own, &stream) != 0 || !same_file(there, stream)) continue;
      std::fflush(nullptr);
      file_ = fcntl(own, F_DUPFD_CLOEXEC, 0);
      if (file_ < 0) refuse(errno);
      return;
    }
    if (!S_ISREG(there.st_mode)) {
      open_stream(path);
      return;
    }
    if (access(path.c_str(), W_OK) != 0) refuse(errno);
  }
  target_ = followed(path);
  open_temporary();
  if (exists) fchmod(file_, there.st_mode & 07777);
}

OutputFile::~OutputFile() {
  if (file_ >= 0) close(file_);
  for (const std::string* path : {&temporary_, &beside_}) {
    if (path->empty()) continue;
    unlink(path->c_str());
    temporaries.forget(path->c_str());
  }
}

void OutputFile::expect_beside(const std::string& suffix) {
  beside_ = temporary_ + suffix;
  temporaries.note(beside_.c_str());
}

void OutputFile::open_stream(const std::string& path) {
  // Without O_NONBLOCK a pipe would wait for a reader, forever if there is none.
  const auto end = std::chrono::steady_clock::now() + kReaderStarts;
  while ((file_ = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0) {
    if (errno != ENXIO && errno != EINTR) refuse(errno);
    if (std::chrono::steady_clock::now() > end)
      throw InputError(named_ + ": cannot be written: it is a pipe that nobody reads from");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fcntl(file_, F_SETFL, fcntl(file_, F_GETFL) & ~O_NONBLOCK);
}

void OutputFile::open_temporary() {
  const SignalsHeld held;  // nobody would remove a file that is there and not noted yet
  do {
    temporary_ = temporary_beside(target_);
    file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) {
    temporary_.clear();
    refuse(errno);
  }
  temporaries.note(temporary_.c_str());
}

void OutputFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  buffer_ += bytes;
  if (buffer_.size() > kBufferBytes) flush();
}

void OutputFile::flush() {
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t n = ::write(file_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) {
      if (interrupted()) throw Interrupted();
      continue;
    }
    if (n < 0) fail(errno);
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

void OutputFile::finish() {
  flush();
  const int closed = close(file_);  // where a file system over a network says that it is full
  file_ = -1;
  if (closed != 0) fail(errno);
  if (temporary_.empty()) return;
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporaries.forget(temporary_.c_str());
  temporary_.clear();
}

void OutputFile::refuse(int error) const {
  throw InputError(named_ + ": cannot be written: " + std::strerror(error));
}

void OutputFile::fail(int error) const {
  throw MachineError(named_ + ": cannot be written: " + std::strerror(error));
}

void remove_temporary_files() {
  temporaries.each(unlink);
  made_folders.each(rmdir);  // fails where files are
}

OutputFolder::OutputFolder(const std::string& path, const std::string& named) {
  const std::string called = named.empty() ? path : named;
  std::vector<fs::path> missing;
  std::error_code error;
  fs::path folder = path;
  if (!folder.has_filename()) folder = folder.parent_path();  // "out/" is "out"
  for (; !folder.empty() && !fs::exists(folder, error) && !error; folder = folder.parent_path())
    missing.push_back(folder);
  if (error) throw InputError(called + ": cannot be written to: " + error.message());
  if (!folder.empty() && !fs::is_directory(folder, error))
    throw InputError(called + ": expected a folder, but " + folder.string() + " is a file");
  made_.reserve(missing.size());  // the signal handler knows where the texts are
  while (!missing.empty()) {
    const std::string next = missing.back().string();
    missing.pop_back();
    const SignalsHeld held;  // as for a temporary file
    if (mkdir(next.c_str(), 0777) == 0) {
      made_.push_back(next);
      made_folders.note(made_.back().c_str());
    } else if (errno != EEXIST) {  // another run may make the same folder
      const std::string why = std::strerror(errno);
      remove_empty();
      throw InputError(called + ": cannot make the directory: " + why);
    }
  }
}

OutputFolder::~OutputFolder() { remove_empty(); }

void OutputFolder::remove_empty() {
  for (; !made_.empty(); made_.pop_back()) {
    rmdir(made_.back().c_str());  // fails where files are
    made_folders.forget(made_.back().c_str());
  }
}

void check_outputs(const std::vector<NamedPath>& outputs, const std::vector<std::string>& inputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    struct stat there {};
    const bool exists = stat(output->path.c_str(), &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) continue;
    for (auto other = outputs.begin(); other != output; ++other) {
      if (absolute_path(output->path) == absolute_path(other->path))
        throw InputError(output->named + ": would be written over " + other->path);
    }
    for (const std::string& input : inputs) {
      struct stat read {};
      if (exists && stat(input.c_str(), &read) == 0 && same_file(there, read))
        throw InputError(output->named + ": would be written over " + input +
                         ", which this run reads");
    }
  }
}

}  // namespace corank
