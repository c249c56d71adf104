// Bytes of a large memory, of which only the pages that were written exist. What was never written
// is 0.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace corank {

class SparseStore {
 public:
  void read(std::uint64_t address, std::uint8_t* bytes, std::size_t size) const {
    for_each_page(address, size,
                  [&](std::uint64_t number, std::size_t at, std::size_t done, std::size_t part) {
                    const auto page = pages_.find(number);
                    if (page == pages_.end()) {
                      std::memset(bytes + done, 0, part);
                    } else {
                      std::memcpy(bytes + done, page->second->data() + at, part);
                    }
                  });
  }

  /// `enables`: null, or one byte for each, 0 where the old value stays.
  void write(std::uint64_t address, const std::uint8_t* bytes, const std::uint8_t* enables,
             std::size_t size) {
    for_each_page(address, size,
                  [&](std::uint64_t number, std::size_t at, std::size_t done, std::size_t part) {
                    std::unique_ptr<Page>& page = pages_[number];
                    if (!page) page = std::make_unique<Page>(Page{});
                    std::uint8_t* to = page->data() + at;
                    if (enables == nullptr) {
                      std::memcpy(to, bytes + done, part);
                      return;
                    }
                    for (std::size_t i = 0; i < part; ++i) {
                      if (enables[done + i] != 0) to[i] = bytes[done + i];
                    }
                  });
  }

 private:
  static constexpr std::size_t kPageBytes = 65536;
  using Page = std::array<std::uint8_t, kPageBytes>;

  template <typename Action>
  static void for_each_page(std::uint64_t address, std::size_t size, const Action& action) {
    for (std::size_t done = 0; done < size;) {
      const std::size_t at = (address + done) % kPageBytes;
      const std::size_t part = std::min(size - done, kPageBytes - at);
      action((address + done) / kPageBytes, at, done, part);
      done += part;
    }
  }

  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace corank
