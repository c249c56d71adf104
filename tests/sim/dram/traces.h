// Access patterns of known effect on a DRAM, small and deterministic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/dram/device.h"

namespace corank::test {

struct TraceAccess {
  double ns = 0;  // earliest
  bool write = false;
  std::uint64_t address = 0;
};

/// The names are those of the list `trace_names()`:
/// a_seq_rd, b_seq_wr: 4 MiB in sequence; c_rw11: a read and a write stream in turn, 64 MiB apart,
/// so in one bank; d1_stride_row: one access a row; d2_stride_bank: the next row of the same bank;
/// e_rand_rd: uniform over 1 GiB (or the device); f_tile4k: 4 KiB at random places; g_closed:
/// random reads, to be run with one in flight; h_gemm: three read streams and a write stream, 256 B
/// in turn; h2_gemm_stag: the same, begun in different banks; i_poisson<n>: random reads, n ns
/// apart on average.
std::vector<TraceAccess> make_trace(const std::string& name, const DramOrganisation& organisation,
                                    std::uint64_t seed);

}  // namespace corank::test
