#include "host/verify/verify.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "host/verify/case_memory.h"
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
  result.cases = options.cases;
  const CaseProgress progress(options.progress, options.cases);
  for (int i = 0; i < options.cases; ++i) {
    result.stopped = options.stop && options.stop();
    if (result.stopped) break;
    progress.show(i);
    const CompiledCase compiled(make_case(source, options.seed, options.first + i));
    const CaseResult one = verify_case(compiled, machine, options.stop);
    result.stopped = one.stopped;
    if (result.stopped) break;
    if (!one.difference.empty()) {
      result.failed = compiled.layer.number;
      result.failure = describe(compiled.layer) + "\n" + one.difference;
      result.fault = one.fault;
      break;
    }
    ++result.verified;
    result.dram += compiled.layer.config.memory.kind == MemoryKind::kDram ? 1 : 0;
    result.several_steps += compiled.layer.feeds.size() > 1 ? 1 : 0;
    result.sum += one.verified;
  }
  return result;
}

std::string to_text(const VerifyResult& r, const std::string& replay) {
  const MachineShape& m = r.machine;
  std::string text;
  if (r.failed >= 0) text += fmt::format("{}\nreplay: {}\n", r.failure, replay);
  text += fmt::format(
      "{}: {}x{}, AXI {}: {} of {} random layers right, {} of them with DRAM, {} with several "
      "steps\n",
      r.failed >= 0 ? "WRONG"
      : r.stopped   ? "STOPPED"
                    : "verified",
      m.array_rows, m.array_columns, m.axi_data_bits, r.verified, r.cases, r.dram, r.several_steps);
  text += fmt::format(
      "  rtl = reference: {} bytes of results; rtl = account of the commands: every counter that "
      "counts no cycles\n"
      "  cycle model = rtl: {} commands (issue, start, end), {} AXI transactions, {} counters, {} "
      "figures of pins, memory and link; {} cycles\n",
      r.sum.result_bytes, r.sum.commands, r.sum.transactions, r.sum.counters, r.sum.figures,
      r.sum.cycles);
  return text;
}

}  // namespace corank
