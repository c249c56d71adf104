#include "host/verify/verify.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "host/driver/command_order.h"
#include "host/verify/case_memory.h"
#include "host/verify/graph_case.h"
#include "host/verify/transformer_case.h"
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

constexpr std::array<CaseKinds, 3> kSingleKinds = {CaseKinds::kLayers, CaseKinds::kGraphs,
                                                   CaseKinds::kTransformers};

bool is_wanted(CaseKinds kinds, CaseKinds kind) {
  return kinds == CaseKinds::kAll || kinds == kind;
}

// Of a single kind, the cases found right.
template <class Result>
auto& count_of(Result& result, CaseKinds kind) {
  return kind == CaseKinds::kLayers   ? result.layers
         : kind == CaseKinds::kGraphs ? result.graphs
                                      : result.transformers;
}

}  // namespace

const char* name_of(CaseKinds kinds) {
  switch (kinds) {
    case CaseKinds::kLayers:
      return "layers";
    case CaseKinds::kGraphs:
      return "graphs";
    case CaseKinds::kTransformers:
      return "transformers";
    case CaseKinds::kAll:
      break;
  }
  return "all";
}

CaseKinds case_kinds_of(const std::string& name) {
  for (const CaseKinds kind : kSingleKinds)
    if (name == name_of(kind)) return kind;
  if (name == name_of(CaseKinds::kAll)) return CaseKinds::kAll;
  throw InputError("--kinds: expected layers, graphs, transformers or all, found '" + name + "'");
}

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
  const auto run = [&](const CompiledCase& compiled, const std::string& text, CaseKinds kind) {
    const CaseResult one = verify_case(compiled, machine, options.stop);
    result.stopped = one.stopped;
    if (result.stopped) return false;
    if (!one.difference.empty()) {
      result.failed = compiled.drawn.number;
      result.failed_kind = kind;
      result.failure = text + "\n" + one.difference;
      result.fault = one.fault;
      return false;
    }
    ++count_of(result, kind);
    result.dram += compiled.drawn.config.memory.kind == MemoryKind::kDram ? 1 : 0;
    result.packed += compiled.drawn.packed.empty() ? 0 : 1;
    result.several_steps += compiled.drawn.feeds.size() > 1 ? 1 : 0;
    result.sum += one.verified;
    return true;
  };
  const auto run_one = [&](CaseKinds kind, int number) {
    if (kind == CaseKinds::kLayers) {
      const LayerCase layer = make_case(source, options.seed, number);
      return run(CompiledCase(layer), describe(layer), kind);
    }
    if (kind == CaseKinds::kGraphs) {
      const GraphCase graph = make_graph_case(source, options.seed, number);
      return run(CompiledCase(graph.drawn(), graph.program), describe(graph), kind);
    }
    const TransformerCase transformer = make_transformer_case(source, options.seed, number);
    return run(CompiledCase(transformer.drawn(), transformer.program), describe(transformer), kind);
  };
  // What cannot be carried out says which case it is.
  const auto run_named = [&](CaseKinds kind, int number) {
    try {
      return run_one(kind, number);
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}; found by --kinds {} --seed {} --first {} --cases 1",
                                   error.what(), name_of(kind), options.seed, number));
    }
  };
  const CaseProgress progress(options.progress, options.cases);
  bool goes_on = true;
  for (int i = 0; goes_on && i < options.cases; ++i) {
    result.stopped = options.stop && options.stop();
    if (result.stopped) break;
    progress.show(i);
    for (const CaseKinds kind : kSingleKinds)
      goes_on = goes_on && (!is_wanted(options.kinds, kind) || run_named(kind, options.first + i));
  }
  return result;
}

std::string to_text(const VerifyResult& r, const std::string& replay) {
  const MachineShape& m = r.machine;
  std::string text, counts;
  if (r.failed >= 0) text += fmt::format("{}\nreplay: {}\n", r.failure, replay);
  for (const CaseKinds kind : kSingleKinds) {
    if (!is_wanted(r.kinds, kind)) continue;
    const bool last = r.kinds != CaseKinds::kAll || kind == kSingleKinds.back();
    counts += counts.empty() ? "" : last ? " and " : ", ";
    counts += fmt::format("{} of {} random {}", count_of(r, kind), r.cases, name_of(kind));
  }
  text += fmt::format(
      "{}: {}x{}, AXI {}: {} right, {} of them with DRAM, {} with several steps, "
      "{} with packed weights\n",
      r.failed >= 0 ? "WRONG"
      : r.stopped   ? "STOPPED"
                    : "verified",
      m.array_rows, m.array_columns, m.axi_data_bits, counts, r.dram, r.several_steps, r.packed);
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
