#include "tests/rtl/dma/block.h"

#include <ostream>

namespace corank::test {

std::ostream& operator<<(std::ostream& out, const Block& b) {
  return out << "target " << b.target << ", address " << b.address << ", " << b.rows << " x "
             << b.columns << ", panel stride " << b.panel_stride << ", line " << b.line
             << ", line stride " << b.line_stride;
}

std::ostream& operator<<(std::ostream& out, const Burst& burst) {
  return out << burst.beats << " beats at " << burst.address;
}

std::vector<Burst> bursts_of(const Block& block, unsigned beat_bytes, unsigned burst_beats) {
  std::vector<Burst> bursts;
  for (unsigned panel = 0; panel < block.panels(); ++panel) {
    const std::uint64_t begin = block.address + std::uint64_t{panel} * block.panel_stride;
    const std::uint64_t end = begin + std::uint64_t{block.rows} * 128;
    bool fresh = true;
    for (std::uint64_t at = begin; at < end; at += beat_bytes) {
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
    for (std::uint32_t j = 0; j < block.columns; ++j) {
      elements.push_back({block.address +
                              std::uint64_t{j / block.panel_columns()} * block.panel_stride +
                              i * 128u + j % block.panel_columns() * block.element_bytes(),
                          block.line + j / lanes * block.line_stride + i, j % lanes});
    }
  }
  return elements;
}

std::vector<Block> random_blocks(unsigned count, std::uint64_t address, unsigned lanes, bool loads,
                                 std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<Block> blocks;
  std::uint32_t line = 0;
  std::uint32_t instruction = 0;
  for (unsigned n = 0; n < count; ++n) {
    Block block;
    block.target = below(2);
    if (loads && below(4) == 0) block.target = kProgram;
    block.rows = below(3) == 0 ? 1 + below(3) : 1 + below(70);
    block.columns = 1 + below(300);
    block.address = address + 128 * below(40);
    block.panel_stride = 128 * (block.rows + below(40));
    block.line_stride = block.rows + below(5);
    block.index = 1000 + 7 * n;
    block.signal_tokens = below(1 << 16);
    address = block.address + std::uint64_t{block.panels()} * block.panel_stride + 128;
    if (block.target == kProgram) {
      block.columns = 16;
      block.line = instruction + below(20);
      instruction = block.line + block.rows * 16;
    } else {
      block.line = line + below(20);
      line = block.line + ((block.columns + lanes - 1) / lanes) * block.line_stride;
    }
    blocks.push_back(block);
  }
  return blocks;
}

namespace {

template <class Command>
interface::CommandWords encode_dma(const Block& block) {
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
  return interface::encode(command);
}

}  // namespace

interface::CommandWords encode_load(const Block& block) {
  return encode_dma<interface::LoadCommand>(block);
}
interface::CommandWords encode_store(const Block& block) {
  return encode_dma<interface::StoreCommand>(block);
}

}  // namespace corank::test
