#include "tests/sim/dram/traces.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace corank::test {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
constexpr std::uint64_t kStream =
    64 * kMib;  // a multiple of rows x banks: streams begin in one bank

}  // namespace

std::vector<TraceAccess> make_trace(const std::string& name, const DramOrganisation& organisation,
                                    std::uint64_t seed) {
  const auto access = static_cast<std::uint64_t>(organisation.access_bytes);
  const auto row = static_cast<std::uint64_t>(organisation.row_bytes);
  const auto banks = static_cast<std::uint64_t>(organisation.all_banks());
  const std::uint64_t span =
      std::min<std::uint64_t>(1024 * kMib, static_cast<std::uint64_t>(organisation.bytes()));
  std::mt19937_64 random(seed);
  const auto anywhere = [&](std::uint64_t unit) { return random() % (span / unit) * unit; };

  std::vector<TraceAccess> trace;
  const auto add = [&](bool write, std::uint64_t address, double ns = 0) {
    trace.push_back({ns, write, address});
  };
  const std::uint64_t count = 4 * kMib / access;
  if (name == "a_seq_rd" || name == "b_seq_wr") {
    for (std::uint64_t i = 0; i < count; ++i) add(name == "b_seq_wr", i * access);
  } else if (name == "c_rw11") {
    for (std::uint64_t i = 0; i < count / 2; ++i) {
      add(false, i * access);
      add(true, kStream + i * access);
    }
  } else if (name == "d1_stride_row") {
    for (std::uint64_t i = 0; i < 16384; ++i) add(false, i * row % span);
  } else if (name == "d2_stride_bank") {
    for (std::uint64_t i = 0; i < 8192; ++i) add(false, i * row * banks % span);
  } else if (name == "e_rand_rd") {
    for (int i = 0; i < 65536; ++i) add(false, anywhere(access));
  } else if (name == "f_tile4k") {
    for (std::uint64_t i = 0; i < 4 * kMib / 4096; ++i) {
      const std::uint64_t base = anywhere(4096);
      for (std::uint64_t offset = 0; offset < 4096; offset += access) add(false, base + offset);
    }
  } else if (name == "g_closed") {
    for (int i = 0; i < 8192; ++i) add(false, anywhere(access));
  } else if (name == "h_gemm" || name == "h2_gemm_stag") {
    const std::uint64_t apart = kStream + (name == "h_gemm" ? 0 : 3 * row);
    for (std::uint64_t chunk = 0; chunk < kMib / 256; ++chunk)
      for (std::uint64_t stream = 0; stream < 4; ++stream)
        for (std::uint64_t offset = 0; offset < 256; offset += access)
          add(stream == 3, stream * apart + chunk * 256 + offset);
  } else if (name.rfind("i_poisson", 0) == 0) {
    const double mean = std::stod(name.substr(9));
    double ns = 0;
    for (int i = 0; i < 16384; ++i) {
      const double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
      ns -= mean * std::log(uniform);
      add(false, anywhere(access), ns);
    }
  } else {
    throw std::invalid_argument("no trace " + name);
  }
  return trace;
}

}  // namespace corank::test
