#include "host/formats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "host/formats/input_file.h"
#include "models/base/error.h"

namespace corank {

MappedFile::MappedFile(const std::string& path) : size_(input_file_size(path)) {
  if (size_ == 0) return;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw InputError(path + ": cannot be read: " + std::strerror(errno));
  memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  const int error = errno;
  ::close(file);
  if (memory_ != MAP_FAILED) return;
  memory_ = nullptr;
  throw InputError(path + ": cannot be mapped into memory: " + std::strerror(error));
}

MappedFile::~MappedFile() {
  if (memory_ != nullptr) ::munmap(memory_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void release_mapped(const std::byte* data, std::size_t size) {
  if (size == 0) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t into_page = reinterpret_cast<std::uintptr_t>(data) % page;
  // Of a page that a neighbour shares nothing is lost: the mapping is never written. Failure does
  // no harm, either.
  ::madvise(const_cast<std::byte*>(data) - into_page, size + into_page, MADV_DONTNEED);
}

}  // namespace corank
