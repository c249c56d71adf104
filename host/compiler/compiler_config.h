// What a user may ask of the compiler.
#pragma once

namespace corank {

/// Limits that the compiler keeps below the machine's own; 0: the machine's.
struct CompilerConfig {
  int scratchpad_kib = 0;
  int accumulator_kib = 0;
  int block_rows = 0;     // output rows of a block; 0: by the cost rule
  int block_columns = 0;  // output columns
  int block_depth = 0;    // contraction elements
  bool rehearse = true;   // false: the cost rule's first blocks, in no time
};

}  // namespace corank
