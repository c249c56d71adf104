#include "tests/rtl/dma/block.h"

#include <algorithm>
#include <functional>
#include <ostream>

namespace corank::test {

std::ostream& operator<<(std::ostream& out, const Block& b) {
  out << "target " << b.target << ", address " << b.address << ", " << b.rows << " x " << b.columns
      << ", panel stride " << b.panel_stride << ", line " << b.line << ", line stride "
      << b.line_stride;
  if (b.indexed()) out << ", pitch " << b.row_pitch << ", first index " << b.first_index;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Burst& burst) {
  return out << burst.beats << " beats at " << burst.address;
}

namespace {

constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << 48) - 1;
constexpr std::uint32_t kIndexPlaces = 1024;

std::uint64_t row_address(const Block& block, std::size_t row) {
  return (block.address + std::uint64_t{block.rows_at[row]} * block.row_pitch) & kAddressMask;
}

/// What lies in one piece in memory, in bytes.
struct Piece {
  std::uint64_t begin, size;
};

std::vector<Piece> pieces_of(const Block& block) {
  std::vector<Piece> pieces;
  const auto add_panels = [&](std::uint64_t address, std::uint64_t bytes) {
    for (unsigned panel = 0; panel < block.panels(); ++panel) {
      pieces.push_back({address + std::uint64_t{panel} * block.panel_stride, bytes});
    }
  };
  if (!block.indexed()) add_panels(block.address, std::uint64_t{block.rows} * 128);
  for (std::size_t row = 0; row < block.rows_at.size(); ++row) {
    if (block.rows_at[row] >= block.limit || block.first_index + row >= kIndexPlaces) break;
    const std::uint64_t address = row_address(block, row);
    if (block.panel_stride == 128) {
      pieces.push_back({address, std::uint64_t{block.panels()} * 128});
    } else {
      add_panels(address, 128);
    }
  }
  return pieces;
}

}  // namespace

std::vector<Burst> bursts_of(const Block& block, unsigned beat_bytes, unsigned burst_beats) {
  std::vector<Burst> bursts;
  for (const Piece& piece : pieces_of(block)) {
    bool fresh = true;
    for (std::uint64_t at = piece.begin; at < piece.begin + piece.size; at += beat_bytes) {
      if (fresh || at % 4096 == 0 || bursts.back().beats == burst_beats) bursts.push_back({at, 0});
      ++bursts.back().beats;
      fresh = false;
    }
  }
  return bursts;
}

std::vector<Element> elements_of(const Block& block, unsigned lanes) {
  std::vector<Element> elements;
  for (std::uint32_t i = 0; i < block.rows; ++i) {
    const std::uint64_t row = block.indexed() ? row_address(block, i) : block.address + i * 128u;
    for (std::uint32_t j = 0; j < block.columns; ++j) {
      elements.push_back({row + std::uint64_t{j / block.panel_columns()} * block.panel_stride +
                              j % block.panel_columns() * block.element_bytes(),
                          block.line + j / lanes * block.line_stride + i, j % lanes});
    }
  }
  return elements;
}

namespace {

using Below = std::function<std::uint32_t(std::uint64_t)>;

/// Makes a block one of a gather or scatter from a random matrix, in pieces of either kind.
void make_indexed(Block& block, const Below& below) {
  block.limit = 1 + below(40);
  block.rows_at.resize(block.rows);
  for (auto& row : block.rows_at) row = below(4) == 0 ? 0 : below(block.limit);
  if (below(2) == 0) {
    block.row_pitch = 128 * (block.panels() + below(3));
    block.panel_stride = 128;
  } else {
    block.row_pitch = 128 * (1 + below(2));
    block.panel_stride = block.limit * block.row_pitch + 128 * below(3);
  }
}

/// Bytes from the first to the end of the last.
std::uint64_t extent(const Block& block) {
  const std::uint64_t panels = std::uint64_t{block.panels()} * block.panel_stride;
  return block.indexed() ? std::uint64_t{block.limit} * block.row_pitch + panels : panels;
}

}  // namespace

Block load_of_indices(const Block& gather, std::uint64_t address, std::uint32_t before) {
  Block load;
  load.target = kIndices;
  load.line = gather.first_index - before;
  load.rows = (before + gather.rows + 31) / 32;
  load.panel_stride = 128 * load.rows;
  load.address = address;
  load.index = gather.index - 3;
  return load;
}

std::vector<Block> random_blocks(unsigned count, std::uint64_t address, unsigned lanes, bool loads,
                                 std::mt19937_64& random) {
  const Below below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<Block> blocks;
  std::uint32_t line = 0, instruction = 0, first_index = 0;
  for (unsigned n = 0; n < count; ++n) {
    Block block;
    block.target = below(2);
    if (loads && below(4) == 0) block.target = kProgram;
    block.rows = below(3) == 0 ? 1 + below(3) : 1 + below(70);
    block.columns = 1 + below(300);
    block.panel_stride = 128 * (block.rows + below(40));
    block.line_stride = block.rows + below(5);
    block.index = 1000 + 7 * n;
    block.signal_tokens = below(1 << 16);
    if (block.target == kProgram) {
      block.columns = 16;
      block.line = instruction + below(20);
      instruction = block.line + block.rows * 16;
    } else {
      block.line = line + below(20);
      line = block.line + ((block.columns + lanes - 1) / lanes) * block.line_stride;
    }
    if (block.to_local() && below(2) == 0) {
      make_indexed(block, below);
      block.first_index = first_index + below(40);
      first_index = block.first_index + block.rows;
      if (loads) {
        const std::uint32_t before = std::min(below(20), block.first_index);
        blocks.push_back(load_of_indices(block, address, before));
        blocks.back().columns = 1 + below(100);  // which say nothing
        blocks.back().signal_tokens = below(1 << 16);
        address += extent(blocks.back());
      }
    }
    block.address = address + 128 * below(40);
    address = block.address + extent(block) + 128;
    blocks.push_back(block);
  }
  return blocks;
}

namespace {

template <class Command>
Command dma(const Block& block) {
  Command command;
  command.signal_tokens = block.signal_tokens;
  command.target = block.target;
  command.address_lo = static_cast<std::uint32_t>(block.address);
  command.address_hi = static_cast<std::uint32_t>(block.address >> 32);
  command.rows = block.rows;
  command.columns = block.columns;
  command.panel_stride = block.panel_stride;
  command.line = block.line;
  command.line_stride = block.line_stride;
  return command;
}

template <class Plain, class Indexed>
interface::CommandWords encode_block(const Block& block) {
  if (!block.indexed()) return interface::encode(dma<Plain>(block));
  auto command = dma<Indexed>(block);
  command.row_pitch = block.row_pitch;
  command.first_index = block.first_index;
  command.limit = block.limit;
  return interface::encode(command);
}

}  // namespace

interface::CommandWords encode_load(const Block& block) {
  return encode_block<interface::LoadCommand, interface::GatherCommand>(block);
}
interface::CommandWords encode_store(const Block& block) {
  return encode_block<interface::StoreCommand, interface::ScatterCommand>(block);
}

}  // namespace corank::test
