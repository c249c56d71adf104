// Where in the DRAM an address lies.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/dram/device.h"

namespace corank {

struct DramPlace {
  int channel = 0;
  int bank = 0;  // group x banks of a group + bank of the group
  int row = 0;
  int column = 0;  // in accesses
};

/// An address map is written from the most to the least significant part, like
/// "row bank column:2 channel column group": fields row, bank, group, column, channel; "column:2"
/// is two bits of it, a field without a number the bits that are left. A part counts accesses, so
/// the bytes of one access are below the last part. Channels may be any number, the other fields
/// are powers of two (in bits); a field of one value may be left out.
class DramAddressMap {
 public:
  /// Throws std::invalid_argument, with what was expected and found, where the text is no map or
  /// does not cover the device and the channels exactly.
  DramAddressMap(const std::string& text, const DramOrganisation& organisation, int channels);

  /// Addresses are taken modulo the size.
  DramPlace place(std::uint64_t address) const;
  /// Calls visit(place, count, step) for the accesses `first`..`last` (counted from address 0), in
  /// this order: for `count` of them, each `step` banks after the one before and else at one place.
  template <class Visit>
  void walk(std::uint64_t first, std::uint64_t last, const Visit& visit) const {
    // Like an odometer: a part goes on by one where the one below it begins again.
    std::array<std::uint64_t, kMostParts> digits;
    DramPlace place = split(first, digits.data());
    const bool banks = !parts_.empty() && parts_[0].member == &DramPlace::bank;
    for (std::uint64_t left = last - first + 1; left > 0;) {
      std::uint64_t forward = banks ? std::min(parts_[0].size - digits[0], left) : 1;
      visit(place, static_cast<int>(forward), banks ? parts_[0].step : 0);
      left -= forward;
      for (std::size_t i = 0; i < parts_.size(); ++i, forward = 1) {
        const Part& part = parts_[i];
        int& value = place.*part.member;
        value += static_cast<int>(forward) * part.step;
        digits[i] += forward;
        if (digits[i] < part.size) break;
        value -= static_cast<int>(part.size) * part.step;
        digits[i] = 0;
      }
    }
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  enum Field { kRow, kBank, kGroup, kColumn, kChannel, kFields };
  static constexpr std::size_t kMostParts = 64 + kFields;  // each of a bit at least, or of a field
  struct Part {
    std::uint64_t size;  // values
    int shift;           // of a size that is a power of two; else -1
    int DramPlace::*member;
    int step;  // of the member, from value to value
  };
  DramPlace split(std::uint64_t access, std::uint64_t* digits) const;

  std::vector<Part> parts_;  // from the least significant
  int access_shift_;
  std::uint64_t bytes_;
};

}  // namespace corank
