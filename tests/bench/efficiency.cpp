#include "tests/bench/efficiency.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/config/config.h"
#include "host/run/run.h"
#include "models/base/error.h"

namespace corank::bench {
namespace {

RunReport run_config(const std::string& name, std::vector<std::string> settings = {}) {
  settings.push_back("accelerator.array.mac=host-float");
  RunReport report = run(load_config("configs/bench/" + name + ".yaml", settings), {});
  if (!report.passed()) throw MachineError("configs/bench/" + name + ".yaml: a result is wrong");
  return report;
}

Result percent(const std::string& what, double share, Result::Bar bar, double limit,
               const std::string& note) {
  return {what, 100 * share, "%", bar, limit, note};
}

const PhaseReport& phase(const RunReport& report, const std::string& value) {
  return *std::find_if(report.phases.begin(), report.phases.end(),
                       [&](const PhaseReport& p) { return p.value == value; });
}

// Of the kinds whose name begins with `prefix`, the worst.
Result worst_kind(const RunReport& report, const std::string& prefix, double limit,
                  const std::string& what) {
  const GemmReport* worst = nullptr;
  for (const GemmReport& gemm : report.gemms) {
    if (gemm.kind.rfind(prefix, 0) != 0) continue;
    if (worst == nullptr || gemm.utilisation < worst->utilisation) worst = &gemm;
  }
  return percent(what, worst->utilisation, Result::Bar::AtLeast, limit,
                 "the worst: " + worst->kind + ", waits included");
}

// Cycles in which no product was under way: the copies of the masters at the beginning and whatever
// of the update is not hidden.
std::uint64_t outside_products(const RunReport& report) {
  std::uint64_t cycles = report.cycles;
  for (const PhaseReport& p : report.phases) cycles -= std::min(cycles, p.cycles);
  return cycles;
}

// From the end of the first layer's forward pass on, against the larger of the array's time and the
// link's.
Result streamed(double factor, double gb_per_s) {
  const RunReport report =
      run_config("streamed", {fmt::format("link.bandwidth_gb_per_s={}", gb_per_s)});
  std::uint64_t cycles = 0, streaming = 0;
  bool counts = false;
  for (const PhaseReport& p : report.phases) {
    if (counts) cycles += p.cycles;
    if (counts) streaming += p.streaming;
    counts = counts || p.value == "0.y";
  }
  const double passes = 2.0 * static_cast<double>(report.layers.size());
  const double payload = static_cast<double>(report.link.streamed_bytes) * (passes - 1) / passes;
  const double wire = payload * 280 / 256;  // of the link's packets
  const double link = wire / gb_per_s;      // ns, which are cycles at 1 GHz
  const double bound = std::max(static_cast<double>(streaming), link);
  return {fmt::format("streamed, link gives {} x the need", factor),
          static_cast<double>(cycles) / bound,
          "x the bound",
          Result::Bar::AtMost,
          1.03,
          fmt::format("{} cycles; array {}, link {:.0f}; from the second layer on", cycles,
                      streaming, link)};
}

}  // namespace

std::vector<Result> efficiency() {
  using Bar = Result::Bar;
  std::vector<Result> results;
  const RunReport lora = run_config("lora-16x16");
  results.push_back(percent("array, 512 x 1024 x 1024, 16x16", phase(lora, "y").utilisation,
                            Bar::AtLeast, 99.4,
                            "useful, from the first MAC of the product to its last"));
  results.push_back(percent("LoRA step, r = 16, 16x16", lora.array_utilisation, Bar::AtLeast, 95,
                            "useful MACs / (PEs x all cycles)"));
  results.push_back(worst_kind(lora, "adapter", 80, "adapter products, r = 16, 16x16"));
  results.push_back(
      percent("update, not hidden",
              static_cast<double>(outside_products(lora)) / static_cast<double>(lora.cycles),
              Bar::AtMost, 2, "cycles outside of all products, the start included"));
  results.push_back(
      worst_kind(run_config("lora-16x16-r8"), "adapter", 45, "adapter products, r = 8, 16x16"));
  results.push_back(
      worst_kind(run_config("lora-32x32"), "adapter", 45, "adapter products, r = 16, 32x32"));
  results.push_back(
      worst_kind(run_config("tokens-32"), "frozen", 85, "frozen products, 32 tokens"));
  results.push_back(
      worst_kind(run_config("tokens-120"), "frozen", 85, "frozen products, 120 tokens"));
  constexpr double kNeed = 4.18;  // GB/s, configs/bench/streamed.yaml
  for (const double factor : {0.5, 1.0, 4.0}) results.push_back(streamed(factor, factor * kNeed));
  return results;
}

}  // namespace corank::bench
