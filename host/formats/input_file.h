// A file of the user's before it is read: what must be refused whatever the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace corank {

/// Whether a file or a folder is there; what cannot be looked at is not.
bool is_there(const std::filesystem::path& path);

/// Size of a regular file. Throws InputError for anything else: nothing there, a directory, a FIFO
/// (which would wait for a writer for ever), a device, a name with a NUL byte.
std::uint64_t input_file_size(const std::string& path);

/// Throws InputError if a file that begins so is a git-lfs pointer, which stands in a checkout for
/// a large file until its content is fetched.
void refuse_lfs_pointer(const std::string& path, std::string_view begin);

}  // namespace corank
