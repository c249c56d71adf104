#include "host/analytic/analytic_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "host/driver/device_executor.h"
#include "host/report/write_json.h"
#include "host/run/finetune.h"
#include "host/run/prepare_finetune.h"
#include "host/run/run_files.h"
#include "host/run/simulate.h"
#include "models/base/error.h"

namespace corank {
namespace {

void check_analytic(const Config& config, const RunOptions& options) {
  if (options.waves)
    throw InputError("--waves: --fidelity analytic has no signals; expected --fidelity rtl");
  if (options.trace)
    throw InputError(
        "--trace: --fidelity analytic simulates no event; expected --fidelity rtl or cycle");
  if (config.layers == Layers::kRepeated)
    throw InputError(place_of(config, "workload.layers"),
                     "workload.layers: --fidelity analytic works out all layers; expected whole, "
                     "found repeated");
}

std::string workload_text(const FinetuneReport& report) {
  return fmt::format("a step of {} micro-batches of {} x {} tokens of {}", report.accumulate,
                     report.batch, report.sequence, report.model);
}

}  // namespace

AnalyticReport run_analytic(const Config& config, const RunOptions& options) {
  check_analytic(config, options);
  const RunFiles files(config, {options.out_directory, {kReportFile}, "", ""});
  AnalyticReport report;
  report.name = config.name;
  report.config_file = config.file;
  report.machine = config.machine;
  report.limits = config.limits;
  report.memory = config.memory.name;
  report.energy_table = config.energy.name;
  if (names_finetuning(config)) {
    const PreparedFinetune prepared = prepare_for_device(config);
    report.workload = workload_text(prepared.report);
    report.commands = prepared.step.commands.size();
    report.step =
        analyse(config, prepared, values_named(prepared.program.graph, prepared.asked.of_step(0)));
  } else {
    const PreparedStep prepared = prepare_step(config);
    report.workload = prepared.workload.source;
    report.commands = prepared.step.commands.size();
    report.step = analyse(config, prepared);
  }
  if (!options.out_directory.empty())
    write_json((std::filesystem::path(options.out_directory) / kReportFile).string(),
               to_json(report));
  return report;
}

}  // namespace corank
