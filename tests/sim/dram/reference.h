// What trusted simulators give for the traces (traces.h), with the timing parameters of
// configs/dram.
#pragma once

namespace corank::test {

struct DramReference {
  const char* device;  // of configs/dram
  const char* map;     // rbc: row bank group column; bgi: row bank column group
  const char* trace;
  int reads_in_flight;
  double percent_of_peak;
  double latency_ns;  // mean of the reads, from admission to last data; 0: no reads
};

// Each figure is the median of DRAMsim3 (2981759), Ramulator 2.1 (c5b1c3a, FRFCFS) and DRAMSys 5.1
// (FrFcfs), all with these parameters, queues of 32, open pages and one channel; but
// - c, h, h2 depend on the policy of writing, so they are the mean of the two that drain from above
// 26
//   to 6 (Ramulator 2.1, DRAMSys GrpFrFcfsWm);
// - d1 in map bgi depends on whether a row with waiting hits may be closed, so it is the mean of
// the
//   two that do not (Ramulator 2.1 FRFCFSRowHit, DRAMSys FrFcfs);
// - LPDDR5 is Ramulator 2.1 alone: FRFCFS; c, h, h2 the mean of FRFCFS and FRFCFSRowHit; d1 in map
//   bgi FRFCFSRowHit.
constexpr DramReference kDramReferences[] = {
    {"ddr4-2400", "rbc", "a_seq_rd", 32, 73.12, 144.94},
    {"ddr4-2400", "rbc", "b_seq_wr", 32, 74.51, 0},
    {"ddr4-2400", "rbc", "c_rw11", 32, 51.95, 409},
    {"ddr4-2400", "rbc", "d1_stride_row", 32, 58.63, 180.84},
    {"ddr4-2400", "rbc", "d2_stride_bank", 32, 6.81, 1561.6},
    {"ddr4-2400", "rbc", "e_rand_rd", 4, 24.36, 53.88},
    {"ddr4-2400", "rbc", "e_rand_rd", 8, 40.96, 64.23},
    {"ddr4-2400", "rbc", "e_rand_rd", 16, 56.48, 93.54},
    {"ddr4-2400", "rbc", "e_rand_rd", 32, 57.9, 183.26},
    {"ddr4-2400", "rbc", "f_tile4k", 32, 77.59, 136.54},
    {"ddr4-2400", "rbc", "g_closed", 1, 7.01, 46.67},
    {"ddr4-2400", "rbc", "h_gemm", 32, 49.9, 283.5},
    {"ddr4-2400", "rbc", "h2_gemm_stag", 32, 81.75, 173},
    {"ddr4-2400", "rbc", "i_poisson40", 32, 8.33, 58.88},
    {"ddr4-2400", "rbc", "i_poisson20", 32, 16.59, 63.88},
    {"ddr4-2400", "rbc", "i_poisson10", 32, 33.16, 78.25},
    {"ddr4-2400", "bgi", "a_seq_rd", 32, 95.15, 111.19},
    {"ddr4-2400", "bgi", "b_seq_wr", 32, 94.9, 0},
    {"ddr4-2400", "bgi", "c_rw11", 32, 67.8, 312.5},
    {"ddr4-2400", "bgi", "d1_stride_row", 32, 63.24, 167.34},
    {"ddr4-2400", "bgi", "d2_stride_bank", 32, 6.81, 1561.6},
    {"ddr4-2400", "bgi", "e_rand_rd", 4, 24.37, 53.85},
    {"ddr4-2400", "bgi", "e_rand_rd", 8, 40.98, 64.21},
    {"ddr4-2400", "bgi", "e_rand_rd", 16, 56.44, 93.61},
    {"ddr4-2400", "bgi", "e_rand_rd", 32, 57.91, 183.24},
    {"ddr4-2400", "bgi", "f_tile4k", 32, 92.6, 114.28},
    {"ddr4-2400", "bgi", "g_closed", 1, 7.01, 46.68},
    {"ddr4-2400", "bgi", "h_gemm", 32, 71.85, 197},
    {"ddr4-2400", "bgi", "h2_gemm_stag", 32, 87.2, 162},
    {"ddr4-2400", "bgi", "i_poisson40", 32, 8.33, 58.76},
    {"ddr4-2400", "bgi", "i_poisson20", 32, 16.59, 63.6},
    {"ddr4-2400", "bgi", "i_poisson10", 32, 33.16, 78.11},
    {"lpddr4-3200", "rbc", "a_seq_rd", 32, 91.5, 174},
    {"lpddr4-3200", "rbc", "b_seq_wr", 32, 91.2, 0},
    {"lpddr4-3200", "rbc", "c_rw11", 32, 68, 469},
    {"lpddr4-3200", "rbc", "d1_stride_row", 32, 45.5, 350},
    {"lpddr4-3200", "rbc", "d2_stride_bank", 32, 7.6, 2095},
    {"lpddr4-3200", "rbc", "e_rand_rd", 4, 23.1, 86},
    {"lpddr4-3200", "rbc", "e_rand_rd", 8, 34.5, 115},
    {"lpddr4-3200", "rbc", "e_rand_rd", 16, 42.6, 187},
    {"lpddr4-3200", "rbc", "e_rand_rd", 32, 45, 355},
    {"lpddr4-3200", "rbc", "f_tile4k", 32, 91.5, 174},
    {"lpddr4-3200", "rbc", "g_closed", 1, 7.5, 66.3},
    {"lpddr4-3200", "rbc", "h_gemm", 32, 68.5, 311},
    {"lpddr4-3200", "rbc", "h2_gemm_stag", 32, 85, 250},
    {"lpddr4-3200", "rbc", "i_poisson40", 32, 12.5, 93.4},
    {"lpddr4-3200", "rbc", "i_poisson20", 32, 24.9, 120},
    {"lpddr4-3200", "rbc", "i_poisson10", 32, 45, 352},
    {"hbm2", "rbc", "a_seq_rd", 32, 82.14, 76.9},
    {"hbm2", "rbc", "b_seq_wr", 32, 89.81, 0},
    {"hbm2", "rbc", "c_rw11", 32, 52.3, 241.5},
    {"hbm2", "rbc", "d1_stride_row", 32, 44.94, 141.25},
    {"hbm2", "rbc", "d2_stride_bank", 32, 3.78, 1689.1},
    {"hbm2", "rbc", "e_rand_rd", 4, 14.31, 54.91},
    {"hbm2", "rbc", "e_rand_rd", 8, 23.78, 66.27},
    {"hbm2", "rbc", "e_rand_rd", 16, 34.65, 91.3},
    {"hbm2", "rbc", "e_rand_rd", 32, 42.69, 148.77},
    {"hbm2", "rbc", "f_tile4k", 32, 82.11, 76.92},
    {"hbm2", "rbc", "g_closed", 1, 4.23, 46.3},
    {"hbm2", "rbc", "h_gemm", 32, 41.9, 202},
    {"hbm2", "rbc", "h2_gemm_stag", 32, 74.4, 112},
    {"hbm2", "rbc", "i_poisson40", 32, 5, 69.01},
    {"hbm2", "rbc", "i_poisson20", 32, 9.96, 73.93},
    {"hbm2", "rbc", "i_poisson10", 32, 19.91, 88.02},
    {"hbm2", "bgi", "a_seq_rd", 32, 90.16, 69.98},
    {"hbm2", "bgi", "b_seq_wr", 32, 89.82, 0},
    {"hbm2", "bgi", "c_rw11", 32, 56.8, 221.5},
    {"hbm2", "bgi", "d1_stride_row", 32, 45, 141.1},
    {"hbm2", "bgi", "d2_stride_bank", 32, 3.78, 1689.1},
    {"hbm2", "bgi", "e_rand_rd", 4, 14.32, 54.85},
    {"hbm2", "bgi", "e_rand_rd", 8, 23.81, 66.17},
    {"hbm2", "bgi", "e_rand_rd", 16, 34.56, 91.56},
    {"hbm2", "bgi", "e_rand_rd", 32, 42.63, 149.02},
    {"hbm2", "bgi", "f_tile4k", 32, 88.87, 71.01},
    {"hbm2", "bgi", "g_closed", 1, 4.23, 46.28},
    {"hbm2", "bgi", "h_gemm", 32, 53.45, 157.5},
    {"hbm2", "bgi", "h2_gemm_stag", 32, 76.35, 109.5},
    {"hbm2", "bgi", "i_poisson40", 32, 5, 68.96},
    {"hbm2", "bgi", "i_poisson20", 32, 9.96, 74.25},
    {"hbm2", "bgi", "i_poisson10", 32, 19.91, 88.18},
    {"lpddr5-6400", "rbc", "a_seq_rd", 32, 71.71, 110.29},
    {"lpddr5-6400", "rbc", "b_seq_wr", 32, 79.9, 0},
    {"lpddr5-6400", "rbc", "c_rw11", 32, 40.64, 391.41},
    {"lpddr5-6400", "rbc", "d1_stride_row", 32, 46.63, 170.13},
    {"lpddr5-6400", "rbc", "d2_stride_bank", 32, 3.86, 2065.7},
    {"lpddr5-6400", "rbc", "e_rand_rd", 32, 43.19, 183.73},
    {"lpddr5-6400", "rbc", "f_tile4k", 32, 69.98, 113.04},
    {"lpddr5-6400", "rbc", "g_closed", 1, 3.99, 61.44},
    {"lpddr5-6400", "rbc", "h_gemm", 32, 36.28, 292.25},
    {"lpddr5-6400", "rbc", "h2_gemm_stag", 32, 71.78, 145.86},
    {"lpddr5-6400", "rbc", "i_poisson40", 32, 6.25, 73.5},
    {"lpddr5-6400", "rbc", "i_poisson20", 32, 12.45, 81.1},
    {"lpddr5-6400", "rbc", "i_poisson10", 32, 24.88, 104.33},
    {"lpddr5-6400", "bgi", "a_seq_rd", 32, 93.42, 84.37},
    {"lpddr5-6400", "bgi", "b_seq_wr", 32, 92.46, 0},
    {"lpddr5-6400", "bgi", "c_rw11", 32, 53.4, 297.27},
    {"lpddr5-6400", "bgi", "d1_stride_row", 32, 46.48, 170.69},
    {"lpddr5-6400", "bgi", "d2_stride_bank", 32, 3.86, 2065.7},
    {"lpddr5-6400", "bgi", "e_rand_rd", 32, 43.01, 184.66},
    {"lpddr5-6400", "bgi", "f_tile4k", 32, 90.67, 86.97},
    {"lpddr5-6400", "bgi", "g_closed", 1, 3.99, 61.45},
    {"lpddr5-6400", "bgi", "h_gemm", 32, 51.09, 206.65},
    {"lpddr5-6400", "bgi", "h2_gemm_stag", 32, 75.32, 139.03},
    {"lpddr5-6400", "bgi", "i_poisson40", 32, 6.25, 73.27},
    {"lpddr5-6400", "bgi", "i_poisson20", 32, 12.45, 81.62},
    {"lpddr5-6400", "bgi", "i_poisson10", 32, 24.88, 102.73},
};

}  // namespace corank::test
