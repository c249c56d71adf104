#include "host/verify/verify.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "host/driver/command_order.h"
#include "host/verify/case_memory.h"
#include "host/verify/graph_case.h"
#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/system/interruption.h"
#include "sim/system/standard_streams.h"

namespace corank {
namespace {

CaseSource source_of(const Config& config) {
  if (!config.values)
    throw InputError(place_of(config, "values"),
                     "values: off leaves nothing to verify; expected on");
  const FaultConfig& faults = config.faults;
  if (faults.read_error != 0 || faults.write_error != 0 || faults.silent_read != 0)
    throw InputError(place_of(config, "verification.faults"),
                     "verification.faults: no step comes to its end with them; expected none");
  CaseSource source;
  source.machines = {config.machine};
  source.drams = dram_memories();
  if (config.names_memory) source.memory = config.memory;
  source.clock_mhz = config.limits.clock_mhz;
  return source;
}

class CaseProgress {
 public:
  CaseProgress(bool shown, int cases) : shown_(shown), cases_(cases), begin_(Clock::now()) {}
  ~CaseProgress() {
    if (shown_) print_error(fmt::format("\r{:78}\r", ""));
  }
  CaseProgress(const CaseProgress&) = delete;
  CaseProgress& operator=(const CaseProgress&) = delete;

  void show(int done) const {
    if (!shown_) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    print_error(fmt::format("\rcase {} of {}", done + 1, cases_));
    if (done > 0) print_error(fmt::format(", {:.0f} s left   ", seconds / done * (cases_ - done)));
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool shown_;
  int cases_;
  Clock::time_point begin_;
};

}  // namespace

VerifyResult verify(const Config& config, const VerifyOptions& options) {
  const CaseSource source = source_of(config);
  MachineBuildOptions build;
  build.quiet = !options.progress;
  build.stop = options.stop;
  const OrderlyEnd orderly;
  const std::string machine = machine_library(config.machine, build);
  VerifyResult result;
  result.machine = config.machine;
  result.kinds = options.kinds;
  result.cases = options.cases;
  // Whether the next case may follow.
  const auto run = [&](const CompiledCase& compiled, const std::string& text, bool is_graph) {
    const CaseResult one = verify_case(compiled, machine, options.stop);
    result.stopped = one.stopped;
    if (result.stopped) return false;
    if (!one.difference.empty()) {
      result.failed = compiled.drawn.number;
      result.failed_is_graph = is_graph;
      result.failure = text + "\n" + one.difference;
      result.fault = one.fault;
      return false;
    }
    ++(is_graph ? result.graphs : result.layers);
    result.dram += compiled.drawn.config.memory.kind == MemoryKind::kDram ? 1 : 0;
    result.several_steps += compiled.drawn.feeds.size() > 1 ? 1 : 0;
    result.sum += one.verified;
    return true;
  };
  const bool layers = options.kinds != CaseKinds::kGraphs;
  const bool graphs = options.kinds != CaseKinds::kLayers;
  const CaseProgress progress(options.progress, options.cases);
  for (int i = 0; i < options.cases; ++i) {
    result.stopped = options.stop && options.stop();
    if (result.stopped) break;
    progress.show(i);
    const int number = options.first + i;
    if (layers) {
      const LayerCase layer = make_case(source, options.seed, number);
      if (!run(CompiledCase(layer), describe(layer), false)) break;
    }
    if (graphs) {
      const GraphCase graph = make_graph_case(source, options.seed, number);
      if (!run(CompiledCase(graph.drawn(), graph.program), describe(graph), true)) break;
    }
  }
  return result;
}

std::string to_text(const VerifyResult& r, const std::string& replay) {
  const MachineShape& m = r.machine;
  std::string text, counts;
  if (r.failed >= 0) text += fmt::format("{}\nreplay: {}\n", r.failure, replay);
  if (r.kinds != CaseKinds::kGraphs)
    counts = fmt::format("{} of {} random layers", r.layers, r.cases);
  if (r.kinds == CaseKinds::kAll) counts += " and ";
  if (r.kinds != CaseKinds::kLayers)
    counts += fmt::format("{} of {} random graphs", r.graphs, r.cases);
  text +=
      fmt::format("{}: {}x{}, AXI {}: {} right, {} of them with DRAM, {} with several steps\n",
                  r.failed >= 0 ? "WRONG"
                  : r.stopped   ? "STOPPED"
                                : "verified",
                  m.array_rows, m.array_columns, m.axi_data_bits, counts, r.dram, r.several_steps);
  text += fmt::format(
      "  rtl = reference: {} bytes of results; rtl = account of the commands: every counter that "
      "counts no cycles\n"
      "  cycle model = rtl: {} commands (issue, start, end), {} AXI transactions, {} counters, {} "
      "figures of pins, memory and link; {} cycles\n",
      r.sum.result_bytes, r.sum.commands, r.sum.transactions, r.sum.counters, r.sum.figures,
      r.sum.cycles);
  return text + ordered_text(r.sum.ordered);
}

}  // namespace corank
