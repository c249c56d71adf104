// Random designs, each from one number: a machine, a memory, a link and a LoRA step of layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"

namespace corank::test {

struct DrawnDesign {
  std::uint64_t number = 0;
  std::vector<std::string> settings;  // "path=value"
  bool rehearse = false;              // the compiler its blocks
  int stall_percent = 0;

  /// Nothing: no such machine can be built, or the step does not fit it.
  std::optional<Config> config() const;
  /// "design 17: accelerator.array.rows=8 ...": what reproduces it.
  std::string text() const;
};

/// Half of the memories are DRAM. One in five streams its weights, one in four packs them, one in
/// eight is rehearsed, one in ten has stalls.
DrawnDesign draw_design(std::uint64_t number);

}  // namespace corank::test
