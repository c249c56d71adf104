#include "host/analytic/touched_rows.h"

#include <algorithm>

#include "host/compiler/packed_layout.h"
#include "rtl/interface/interface.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::uint64_t kBits = 64;

template <class Command>
std::uint64_t address_of(const Command& c) {
  return std::uint64_t{c.address_hi} << 32 | c.address_lo;
}

template <class Command>
std::uint64_t panels_of(const Command& c) {
  if (c.target > kTargetAccumulator) return 1;  // programs and indices
  const std::uint64_t element = c.target == kTargetAccumulator ? 4 : 2;
  return (c.columns * element + kPanelRowBytes - 1) / kPanelRowBytes;
}

}  // namespace

TouchedRows::TouchedRows(const CompiledStep& step, bool host_writes) {
  const std::uint64_t words = step.memory_bytes / kPanelRowBytes / kBits + 1;
  touched_.resize(words);
  written_.resize(words);
  if (host_writes)
    mark(written_, step.tile_ring_address, step.memory_bytes - step.tile_ring_address);
  for (const CompiledCommand& command : step.commands) {
    switch (command.words[0] & 0xff) {
      case LoadCommand::kOpcode:
        add_block(decode_load(command.words), false);
        break;
      case StoreCommand::kOpcode:
        add_block(decode_store(command.words), true);
        break;
      case LoadScalesCommand::kOpcode: {
        const LoadScalesCommand c = decode_load_scales(command.words);
        mark(touched_, address_of(c), std::uint64_t{c.rows} * kPanelRowBytes);
        break;
      }
      case LoadQuantizedCommand::kOpcode: {
        const LoadQuantizedCommand c = decode_load_quantized(command.words);
        for (std::uint64_t panel = 0; panel * kPanelColumnsBf16 < c.columns; ++panel)
          mark(touched_, address_of(c) + panel * c.panel_stride,
               static_cast<std::uint64_t>(panel_bytes(c, c.rows)));
        break;
      }
      case ScatterCommand::kOpcode: {
        const ScatterCommand c = decode_scatter(command.words);
        mark(written_, address_of(c),
             (c.limit - std::uint64_t{1}) * c.row_pitch + (panels_of(c) - 1) * c.panel_stride +
                 kPanelRowBytes);
        break;
      }
      default:
        break;
    }
  }
}

template <class Command>
void TouchedRows::add_block(const Command& command, bool write) {
  const std::uint64_t bytes = std::uint64_t{command.rows} * kPanelRowBytes;
  for (std::uint64_t panel = 0; panel < panels_of(command); ++panel) {
    const std::uint64_t address = address_of(command) + panel * command.panel_stride;
    mark(touched_, address, bytes);
    if (write) mark(written_, address, bytes);
  }
}

void TouchedRows::mark(Bits& bits, std::uint64_t address, std::uint64_t bytes) {
  std::uint64_t row = address / kPanelRowBytes;
  const std::uint64_t end =
      std::min((address + bytes + kPanelRowBytes - 1) / kPanelRowBytes, bits.size() * kBits);
  while (row < end) {
    const std::uint64_t from = row % kBits, count = std::min(kBits - from, end - row);
    const std::uint64_t all = count == kBits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    bits[row / kBits] |= all << from;
    row += count;
  }
}

bool TouchedRows::writes(std::uint64_t address, std::uint64_t bytes) const {
  const std::uint64_t end =
      std::min((address + bytes + kPanelRowBytes - 1) / kPanelRowBytes, written_.size() * kBits);
  for (std::uint64_t row = address / kPanelRowBytes; row < end; ++row)
    if ((written_[row / kBits] >> row % kBits & 1) != 0) return true;
  return false;
}

std::uint64_t TouchedRows::count() const {
  std::uint64_t count = 0;
  for (const std::uint64_t word : touched_)
    count += static_cast<std::uint64_t>(__builtin_popcountll(word));
  return count;
}

}  // namespace corank
