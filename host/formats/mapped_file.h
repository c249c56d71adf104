// A file mapped into memory: what is touched is read from the disk, once, however large the file
// is.
#pragma once

#include <cstddef>
#include <string>

namespace corank {

class MappedFile {
 public:
  /// Throws InputError for what input_file_size() refuses, and where it cannot be mapped. An empty
  /// file has no bytes. A file that another program shortens later ends this one (SIGBUS), as with
  /// every mapping.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  const std::byte* data() const { return static_cast<const std::byte*>(memory_); }
  std::size_t size() const { return size_; }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// Gives memory of a mapped file back: what was copied. It is read from the disk again if it is
/// touched again.
void release_mapped(const std::byte* data, std::size_t size);

}  // namespace corank
