// The contents of the local memories, for a run that computes values.
#pragma once

#include <cstdint>
#include <vector>

namespace corank::cycle_model {

/// Lines of `lanes` elements. In which lane of which bank an element lies changes neither its value
/// nor a cycle (rtl/memory/tile_memory.sv), so it has no place here.
template <class T>
class LocalMemory {
 public:
  /// `kept`: whether there are elements at all.
  LocalMemory(int lanes, std::uint32_t lines, bool kept)
      : lanes_(static_cast<std::uint32_t>(lanes)),
        lines_(lines),
        elements_(kept ? std::size_t{lines} * lanes_ : 0) {}

  std::uint32_t lanes() const { return lanes_; }
  std::uint32_t lines() const { return lines_; }
  T* line(std::uint32_t line) { return elements_.data() + std::size_t{line} * lanes_; }

 private:
  std::uint32_t lanes_, lines_;
  std::vector<T> elements_;
};

struct LocalMemories {
  LocalMemory<std::uint16_t> scratchpad;  // BF16
  LocalMemory<float> accumulator;
};

}  // namespace corank::cycle_model
