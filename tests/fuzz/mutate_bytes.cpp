#include <algorithm>
#include <array>

#include "tests/fuzz/mutate.h"

namespace corank::fuzz {
namespace {

std::size_t place(Random& random, std::size_t size) {
  return size == 0 ? 0 : static_cast<std::size_t>(random() % size);
}

/// The length of a part: short most of the time.
std::size_t length(Random& random, std::size_t most) {
  const std::size_t some = std::size_t{1} << random() % 12;
  return std::min(most, 1 + place(random, some));
}

}  // namespace

bool percent(Random& random, int percent) {
  return random() % 100 < static_cast<std::uint64_t>(percent);
}

int mistakes(Random& random) { return percent(random, 70) ? 1 : draw::int_between(random, 2, 4); }

void mutate_bytes(Random& random, std::string& bytes) {
  constexpr std::array<char, 8> kOdd = {'\0', '\xFF', '\x7F', '\x80', '\n', '"', '{', ' '};
  const std::size_t at = place(random, bytes.size());
  const std::size_t part = length(random, bytes.size() - at);
  switch (bytes.empty() ? 2 : random() % 7) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 1:
      bytes[at] = draw::one_of(random, kOdd);
      break;
    case 2:
      bytes.insert(at, length(random, 4096), draw::one_of(random, kOdd));
      break;
    case 3:
      bytes.erase(at, part);
      break;
    case 4:
      bytes.insert(place(random, bytes.size()), bytes.substr(at, part));
      break;
    case 5:
      bytes.resize(at);
      break;
    default:
      for (std::size_t i = at; i < at + part; ++i) bytes[i] = static_cast<char>(random());
  }
}

}  // namespace corank::fuzz
