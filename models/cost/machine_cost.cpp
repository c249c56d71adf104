#include "models/cost/machine_cost.h"

#include <algorithm>
#include <cmath>

namespace corank {
namespace {

constexpr const char* kLogarithm = "log2_";

UnitCost& unit_named(std::vector<UnitCost>& units, const std::string& name) {
  const auto found = std::find_if(units.begin(), units.end(),
                                  [&](const UnitCost& unit) { return unit.unit == name; });
  if (found != units.end()) return *found;
  units.push_back({name});
  return units.back();
}

int whole(const CostMonomial& monomial, const MachineSizes& sizes) {
  return static_cast<int>(std::lround(value_of(monomial, sizes)));
}

}  // namespace

MachineSizes machine_sizes(const std::array<double, kSizes>& sizes) {
  MachineSizes all{};
  for (std::size_t i = 0; i < kSizes; ++i) {
    all[i] = sizes[i];
    all[kSizes + i] = std::log2(sizes[i]);
  }
  return all;
}

int place_of_size(const std::string& name) {
  const bool logarithm = name.rfind(kLogarithm, 0) == 0;
  const std::string size = logarithm ? name.substr(std::string(kLogarithm).size()) : name;
  for (std::size_t i = 0; i < kSizes; ++i)
    if (size == kSizeNames[i]) return static_cast<int>(logarithm ? kSizes + i : i);
  return -1;
}

double value_of(const CostFormula& formula, const MachineSizes& sizes) {
  double sum = 0;
  for (const CostTerm& term : formula) {
    double product = term.coefficient;
    if (term.first >= 0) product *= sizes[static_cast<std::size_t>(term.first)];
    if (term.second >= 0) product *= sizes[static_cast<std::size_t>(term.second)];
    sum += product;
  }
  return sum;
}

double amount_of(const CostFormula& formula, const MachineSizes& sizes) {
  return std::max(0.0, value_of(formula, sizes));
}

double value_of(const CostMonomial& monomial, const MachineSizes& sizes) {
  double product = monomial.coefficient;
  for (std::size_t i = 0; i < kSizes; ++i) {
    for (int power = 0; power < monomial.powers[i]; ++power) product *= sizes[i];
    for (int power = 0; power > monomial.powers[i]; --power) product /= sizes[i];
  }
  return product;
}

std::string unit_of_path(const std::string& path) { return path.substr(0, path.find('/')); }

MachineCost cost_of(const MachineFit& fit, const MachineSizes& sizes) {
  MachineCost cost;
  for (const CostPart& part : fit.parts) {
    UnitCost& unit = unit_named(cost.units, unit_of_path(part.path));
    unit.area_um2 += amount_of(part.area_um2, sizes);
    unit.flops += amount_of(part.flops, sizes);
    unit.leakage_nw += amount_of(part.leakage_nw, sizes);
  }
  for (const DelayPart& part : fit.delays)
    unit_named(cost.units, part.unit).delay_ns = amount_of(part.delay_ns, sizes);
  for (const UnitCost& unit : cost.units) {
    cost.area_um2 += unit.area_um2;
    cost.flops += unit.flops;
    cost.leakage_nw += unit.leakage_nw;
    cost.delay_ns = std::max(cost.delay_ns, unit.delay_ns);
  }
  for (const RamPart& ram : fit.rams)
    cost.rams.push_back({unit_of_path(ram.path), whole(ram.words, sizes), whole(ram.width, sizes),
                         whole(ram.count, sizes)});
  return cost;
}

AreaAndDelay area_and_delay_of(const MachineFit& fit, const MachineSizes& sizes) {
  AreaAndDelay all;
  for (const CostPart& part : fit.parts) all.area_um2 += amount_of(part.area_um2, sizes);
  for (const DelayPart& part : fit.delays)
    all.delay_ns = std::max(all.delay_ns, amount_of(part.delay_ns, sizes));
  return all;
}

}  // namespace corank
