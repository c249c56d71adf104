#include "host/cost/fpga_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/cost/cost.h"
#include "host/cost/cost_formulas.h"
#include "host/cost/cost_texts.h"
#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::size_t kLut = 0, kFlipFlop = 1, kBlockRam = 2;
// Between so many RAMs, one behind another, a LUT of six inputs chooses a bit.
constexpr std::int64_t kMuxInputs = 4;

template <class Value>
std::array<Value, kFpgaKinds.size()> amounts_of(const nlohmann::json& json) {
  std::array<Value, kFpgaKinds.size()> amounts{};
  for (std::size_t kind = 0; kind < amounts.size(); ++kind)
    amounts[kind] = json.at(kFpgaKinds[kind]).get<Value>();
  return amounts;
}

std::vector<FpgaFitPoint> fpga_points(const nlohmann::json& json) {
  std::vector<FpgaFitPoint> points;
  for (const nlohmann::json& point : json)
    points.push_back({cost_sizes(point.at("sizes")), point.at("decoder").get<int>() != 0,
                      amounts_of<std::int64_t>(point.at("counts")),
                      amounts_of<double>(point.at("error"))});
  return points;
}

std::vector<FpgaLogic> logic_of(const nlohmann::json& json) {
  std::vector<FpgaLogic> parts;
  for (const nlohmann::json& part : json) {
    FpgaLogic& logic = parts.emplace_back();
    logic.path = part.at("path").get<std::string>();
    logic.of_decoder = is_of_decoder(logic.path);
    for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
      logic.amounts[kind] = cost_formula(part.at(kFpgaKinds[kind]));
  }
  return parts;
}

std::vector<FpgaRams> fpga_rams(const nlohmann::json& json) {
  std::vector<FpgaRams> rams;
  for (RamPart& part : cost_rams(json)) {
    const std::string unit = unit_of_path(part.path);
    const bool local = unit == kScratchpadUnit || unit == kAccumulatorUnit;
    rams.push_back({part, is_of_decoder(part.path), local});
  }
  return rams;
}

template <class Part>
bool has(const MachineShape& shape, const Part& part) {
  return shape.decoder != 0 || !part.of_decoder;
}

void add_rams(const FpgaFit& fit, const FpgaRams& rams, const MachineShape& shape,
              const MachineSizes& sizes, FpgaCounts& counts) {
  const RamPart& ram = rams.part;
  const FpgaCounts one =
      ram_counts(fit.primitives, std::llround(value_of(ram.words, sizes)),
                 std::llround(value_of(ram.width, sizes)) + (rams.local ? shape.parity : 0));
  const std::int64_t number = std::llround(value_of(ram.count, sizes));
  for (std::size_t kind = 0; kind < counts.size(); ++kind) counts[kind] += number * one[kind];
}

double largest_error(const std::vector<FpgaFitPoint>& points, std::size_t kind) {
  double most = 0;
  for (const FpgaFitPoint& point : points) most = std::max(most, std::abs(point.errors[kind]));
  return most;
}

std::string errors_text(const std::vector<FpgaFitPoint>& points) {
  std::string text;
  for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
    text += fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", kFpgaKinds[kind],
                        100 * largest_error(points, kind));
  return text;
}

}  // namespace

FpgaFit parse_fpga_fit(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  FpgaFit fit;
  fit.target = json.at("target").get<std::string>();
  fit.tools = "Yosys " + json.at("tools").at("yosys").get<std::string>();
  fit.made_by = json.at("made_by").get<std::string>();
  fit.rtl = json.at("rtl").get<std::string>();
  fit.fitted = fpga_points(json.at("fitted"));
  fit.held_out = fpga_points(json.at("held_out"));
  fit.parts = logic_of(json.at("parts"));
  fit.rams = fpga_rams(json.at("rams"));
  for (const nlohmann::json& one : json.at("ram_primitives"))
    fit.primitives.push_back({one.at("words").get<std::int64_t>(),
                              one.at("width").get<std::int64_t>(), one.at("cost").get<double>(),
                              one.at("lut").get<std::int64_t>(),
                              one.at("bram").get<std::int64_t>()});
  return fit;
}

const std::vector<FpgaFit>& fpga_fits() {
  static const std::vector<FpgaFit> fits = {parse_fpga_fit(kFpgaText)};
  return fits;
}

FpgaCounts ram_counts(const std::vector<FpgaRamPrimitive>& primitives, std::int64_t words,
                      std::int64_t width) {
  const FpgaRamPrimitive* best = nullptr;
  std::pair<double, std::int64_t> least(std::numeric_limits<double>::infinity(), 0);
  for (const FpgaRamPrimitive& one : primitives) {
    // Of equal ones those with the fewest behind one another.
    const std::int64_t behind = ceil_div(words, one.words);
    const std::pair<double, std::int64_t> cost(
        static_cast<double>(behind * ceil_div(width, one.width)) * one.cost, behind);
    if (cost >= least) continue;
    least = cost;
    best = &one;
  }
  if (best == nullptr) throw MachineError("the closed form of an FPGA has no RAM");
  const std::int64_t deep = ceil_div(words, best->words);
  const std::int64_t number = deep * ceil_div(width, best->width);
  FpgaCounts counts{};
  counts[kLut] = number * best->lut;
  counts[kBlockRam] = number * best->bram;
  // A RAM in LUTs has no register at its output.
  if (best->lut > 0) counts[kFlipFlop] = width;
  // A multiplexer for each bit, and a write enable for each of those one behind another.
  if (deep > 1) counts[kLut] += width * ceil_div(deep - 1, kMuxInputs - 1) + deep;
  return counts;
}

FpgaCounts fpga_counts(const FpgaFit& fit, const MachineShape& shape) {
  const MachineSizes sizes = sizes_of(shape);
  FpgaCounts counts{};
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    double sum = 0;
    for (const FpgaLogic& part : fit.parts)
      if (has(shape, part)) sum += amount_of(part.amounts[kind], sizes);
    counts[kind] = std::llround(sum);
  }
  for (const FpgaRams& rams : fit.rams)
    if (has(shape, rams)) add_rams(fit, rams, shape, sizes, counts);
  return counts;
}

double share_of(const FpgaPart& part, const FpgaCounts& counts) {
  double share = 0;
  for (std::size_t kind = 0; kind < counts.size(); ++kind)
    share =
        std::max(share, static_cast<double>(counts[kind]) / static_cast<double>(part.has[kind]));
  return share;
}

std::string source_of(const FpgaFit& fit, const FpgaFamily& family) {
  return fmt::format(
      "modelled: closed form of {} machines that were mapped ({}), largest error: {}; {} held out: "
      "{}; larger machines are extrapolated; not placed, no clock; sizes of parts: {}{}",
      fit.fitted.size(), fit.tools, errors_text(fit.fitted), fit.held_out.size(),
      errors_text(fit.held_out), family.source,
      is_other_rtl(fit.rtl) ? fmt::format("; WARNING: it was fitted to other RTL than there is "
                                          "({})",
                                          fit.made_by)
                            : "");
}

}  // namespace corank
