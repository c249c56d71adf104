// Where in the DRAM an address lies.
#pragma once

#include <algorithm>
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
  /// Calls visit(place) for the accesses `first`..`last` (counted from address 0), in this order.
  template <class Visit>
  void walk(std::uint64_t first, std::uint64_t last, const Visit& visit) const {
    for (std::uint64_t access = first; access <= last;) {
      DramPlace place = this->place(access << access_shift_);
      // Until the least significant part begins again it is all that changes.
      const std::uint64_t size = parts_.front().size;
      std::uint64_t left = std::min(size - access % size, last + 1 - access);
      access += left;
      for (; left > 0; --left, place.*least_ += least_step_) visit(place);
    }
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  enum Field { kRow, kBank, kGroup, kColumn, kChannel, kFields };
  struct Part {
    Field field;
    std::uint64_t size;  // values
    int shift;           // of a size that is a power of two; else -1
    int position;        // of its lowest bit in the field
  };
  std::vector<Part> parts_;  // from the least significant
  int DramPlace::*least_;    // what the least significant part counts, and by how much
  int least_step_;
  int access_shift_;
  int banks_;  // of a group
  std::uint64_t bytes_;
};

}  // namespace corank
