#include "host/cost/cost_formulas.h"

#include "models/base/error.h"

namespace corank {
namespace {

int place_of(const std::string& factor) {
  if (factor == "1") return -1;
  const int place = place_of_size(factor);
  if (place < 0) throw MachineError("the fit of the cost names an unknown size '" + factor + "'");
  return place;
}

}  // namespace

CostFormula cost_formula(const nlohmann::json& json) {
  CostFormula formula;
  for (const auto& [term, coefficient] : json.items()) {
    const std::size_t star = term.find('*');
    formula.push_back({coefficient.get<double>(), place_of(term.substr(0, star)),
                       star == std::string::npos ? -1 : place_of(term.substr(star + 1))});
  }
  return formula;
}

CostMonomial cost_monomial(const nlohmann::json& json) {
  CostMonomial monomial;
  monomial.coefficient = json.at("coefficient").get<double>();
  for (const auto& [size, power] : json.at("powers").items())
    monomial.powers.at(static_cast<std::size_t>(place_of(size))) = power.get<int>();
  return monomial;
}

MachineSizes cost_sizes(const nlohmann::json& json) {
  std::array<double, kSizes> sizes{};
  for (std::size_t i = 0; i < kSizes; ++i) sizes[i] = json.at(kSizeNames[i]).get<double>();
  return machine_sizes(sizes);
}

std::vector<RamPart> cost_rams(const nlohmann::json& json) {
  std::vector<RamPart> rams;
  for (const nlohmann::json& ram : json)
    rams.push_back({ram.at("path").get<std::string>(), cost_monomial(ram.at("count")),
                    cost_monomial(ram.at("words")), cost_monomial(ram.at("width"))});
  return rams;
}

}  // namespace corank
