#include "sim/dram/address_map.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace corank {
namespace {

bool is_power_of_two(std::uint64_t value) { return value > 0 && (value & (value - 1)) == 0; }

int bits_of(std::uint64_t size) {
  int bits = 0;
  while ((std::uint64_t{1} << bits) < size) ++bits;
  return bits;
}

}  // namespace

DramAddressMap::DramAddressMap(const std::string& text, const DramOrganisation& organisation,
                               int channels)
    : access_shift_(bits_of(static_cast<std::uint64_t>(organisation.access_bytes))),
      bytes_(static_cast<std::uint64_t>(organisation.bytes()) *
             static_cast<std::uint64_t>(channels)) {
  const std::array<std::string, kFields> names = {"row", "bank", "group", "column", "channel"};
  const std::array<int, kFields> sizes = {organisation.rows, organisation.banks,
                                          organisation.bank_groups, organisation.columns(),
                                          channels};
  struct Word {
    Field field;
    int bits;  // -1: what is left
  };
  std::vector<Word> words;
  std::array<int, kFields> given{}, open{};
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    const std::size_t colon = word.find(':');
    const auto name = std::find(names.begin(), names.end(), word.substr(0, colon));
    if (name == names.end())
      throw std::invalid_argument("expected row, bank, group, column or channel, found '" + word +
                                  "'");
    const auto field = static_cast<Field>(name - names.begin());
    int bits = -1;
    if (colon != std::string::npos) {
      const std::string digits = word.substr(colon + 1);
      if (digits.size() != 1 && digits.size() != 2)
        throw std::invalid_argument("expected a number of bits, 1..32, found '" + word + "'");
      bits = 0;
      for (const char c : digits) bits = c < '0' || c > '9' ? 100 : 10 * bits + (c - '0');
      if (bits < 1 || bits > 32)
        throw std::invalid_argument("expected a number of bits, 1..32, found '" + word + "'");
      given[field] += bits;
    } else if (++open[field] > 1) {
      throw std::invalid_argument("expected '" + *name +
                                  "' once without a number of bits, found it twice");
    }
    words.push_back({field, bits});
  }
  for (int f = 0; f < kFields; ++f) {
    const auto field = static_cast<std::size_t>(f);
    const auto size = static_cast<std::uint64_t>(sizes[field]);
    const int needed = bits_of(size);
    if (!is_power_of_two(size) && given[field] > 0)
      throw std::invalid_argument("expected '" + names[field] +
                                  "' without a number of bits, as there are " +
                                  std::to_string(size));
    if (given[field] > needed || (given[field] < needed && open[field] == 0))
      throw std::invalid_argument("expected " + std::to_string(needed) + " bits of '" +
                                  names[field] + "' for " + std::to_string(size) +
                                  " of them, found " + std::to_string(given[field]));
  }
  const std::array<int DramPlace::*, kFields> members = {
      &DramPlace::row, &DramPlace::bank, &DramPlace::bank, &DramPlace::column, &DramPlace::channel};
  std::array<int, kFields> steps = {1, 1, organisation.banks, 1, 1};
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto size = static_cast<std::uint64_t>(sizes[word->field]);
    const int bits = word->bits >= 0 ? word->bits : bits_of(size) - given[word->field];
    const bool whole = !is_power_of_two(size);
    parts_.push_back({whole ? size : std::uint64_t{1} << bits, whole ? -1 : bits,
                      members[word->field], steps[word->field]});
    steps[word->field] <<= bits;
  }
}

DramPlace DramAddressMap::place(std::uint64_t address) const {
  std::array<std::uint64_t, kMostParts> digits;
  return split(address >> access_shift_, digits.data());
}

DramPlace DramAddressMap::split(std::uint64_t access, std::uint64_t* digits) const {
  const std::uint64_t accesses = bytes_ >> access_shift_;
  std::uint64_t rest = access < accesses ? access : access % accesses;
  DramPlace place;
  for (const Part& part : parts_) {
    if (part.shift >= 0) {
      *digits = rest & (part.size - 1);
      rest >>= part.shift;
    } else {
      *digits = rest % part.size;
      rest /= part.size;
    }
    place.*part.member += static_cast<int>(*digits++) * part.step;
  }
  return place;
}

}  // namespace corank
