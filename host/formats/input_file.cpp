#include "host/formats/input_file.h"

#include <filesystem>
#include <system_error>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

const char* kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a directory";
    case fs::file_type::fifo:
      return "a FIFO";
    case fs::file_type::socket:
      return "a socket";
    case fs::file_type::character:
    case fs::file_type::block:
      return "a device";
    default:
      return "something else";
  }
}

}  // namespace

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::uint64_t input_file_size(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    throw InputError(path + ": expected the name of a file, found the byte 0x00 in it");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw InputError(path + ": expected a file, found " + kind_of(status.type()));
  const auto size = fs::file_size(path, error);
  if (error) throw InputError(path + ": cannot be read: " + error.message());
  return size;
}

void refuse_lfs_pointer(const std::string& path, std::string_view begin) {
  // https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
  constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/";
  if (begin.substr(0, kPointer.size()) != kPointer) return;
  throw InputError(path +
                   ": is a git-lfs pointer: the content of the file was not fetched; `git lfs "
                   "pull` in its checkout fetches it");
}

}  // namespace corank
