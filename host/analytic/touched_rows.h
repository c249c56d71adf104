// Which rows of 128 bytes of device memory a step's commands read and write.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/compiler.h"

namespace corank {

class TouchedRows {
 public:
  /// `host_writes`: the host writes to the rings during the step.
  TouchedRows(const CompiledStep& step, bool host_writes);

  /// Whether the step, or the host during it, writes any of these bytes.
  bool writes(std::uint64_t address, std::uint64_t bytes) const;
  /// Rows that are loaded or stored by commands that say where; those of gathers and scatters are
  /// not among them.
  std::uint64_t count() const;

 private:
  using Bits = std::vector<std::uint64_t>;
  static void mark(Bits& bits, std::uint64_t address, std::uint64_t bytes);
  template <class Command>
  void add_block(const Command& command, bool write);

  Bits touched_, written_;
};

}  // namespace corank
