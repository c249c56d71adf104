// What a machine costs in silicon, in closed form: sums of products of its sizes, fitted to
// machines that were synthesised (host/cost/README.md). Needs no tool.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace corank {

/// The sizes of a machine, and after them their logarithms to base 2, in the order of the names.
inline constexpr std::array<const char*, 10> kSizeNames = {
    "rows",           "columns",          "vector_lanes",    "memory_lanes",
    "scratchpad_kib", "scratchpad_banks", "accumulator_kib", "accumulator_banks",
    "axi_bits",       "queue_depth"};
inline constexpr std::size_t kSizes = kSizeNames.size();
using MachineSizes = std::array<double, 2 * kSizes>;

/// With the logarithms.
MachineSizes machine_sizes(const std::array<double, kSizes>& sizes);

/// The place of "rows" or "log2_rows" in MachineSizes; -1 if there is no such size.
int place_of_size(const std::string& name);

/// coefficient x sizes[first] x sizes[second]; -1 stands for 1.
struct CostTerm {
  double coefficient = 0;
  int first = -1, second = -1;
};
using CostFormula = std::vector<CostTerm>;

double value_of(const CostFormula& formula, const MachineSizes& sizes);
/// The same, or 0: a fit may cross zero where nothing is left of a part.
double amount_of(const CostFormula& formula, const MachineSizes& sizes);

/// coefficient x the product of sizes to whole powers.
struct CostMonomial {
  double coefficient = 0;
  std::array<int, kSizes> powers{};
};

double value_of(const CostMonomial& monomial, const MachineSizes& sizes);

/// A module's own logic, without what is below it, at all places of the machine that differ by
/// numbers alone.
struct CostPart {
  std::string path;  // "u_array_unit/u_systolic_array"; "": of the top itself
  CostFormula area_um2, flops, leakage_nw;
};

/// RAMs of one size at such places.
struct RamPart {
  std::string path;
  CostMonomial count, words, width;
};

/// The slowest path that ends in a unit.
struct DelayPart {
  std::string unit;  // instance right below the top; "": the top itself
  CostFormula delay_ns;
};

struct MachineFit {
  std::vector<CostPart> parts;
  std::vector<RamPart> rams;
  std::vector<DelayPart> delays;
};

struct RamGroup {
  std::string unit;
  int words = 0, width = 0, count = 0;
};

struct UnitCost {
  std::string unit;
  double area_um2 = 0, flops = 0, leakage_nw = 0;
  double delay_ns = 0;  // 0: no path ends in it
};

struct MachineCost {
  std::vector<UnitCost> units;  // in the order of the fit
  std::vector<RamGroup> rams;
  double area_um2 = 0;  // without RAMs
  double flops = 0, leakage_nw = 0;
  double delay_ns = 0;  // of the slowest path
};

/// Everything of a machine.
MachineCost cost_of(const MachineFit& fit, const MachineSizes& sizes);

/// Area without RAMs in um2 and the slowest path in ns, without a list: 10^6 a second and more.
struct AreaAndDelay {
  double area_um2 = 0, delay_ns = 0;
};
AreaAndDelay area_and_delay_of(const MachineFit& fit, const MachineSizes& sizes);

/// "u_a/u_b" -> "u_a".
std::string unit_of_path(const std::string& path);

}  // namespace corank
