// The corank program: command line, exit codes, nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>
#include <optional>
#include <sstream>
#include <string_view>

#include "host/analytic/analytic_command.h"
#include "host/config/config.h"
#include "host/cost/cost.h"
#include "host/cost/fpga_cost.h"
#include "host/pages/report_command.h"
#include "host/report/report.h"
#include "host/report/schemas.h"
#include "host/report/write_json.h"
#include "host/run/compile.h"
#include "host/run/finetune.h"
#include "host/run/lockstep.h"
#include "host/run/run.h"
#include "host/sweep/sweep_command.h"
#include "host/train/training.h"
#include "host/verify/verify.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "sim/machine/build.h"
#include "sim/system/interruption.h"
#include "sim/system/standard_streams.h"

namespace {

// design: 0 right, 1 the run found a mismatch, 2 the user's input is wrong, 3 a fault of the
// machine; 128 + signal where the user ended it.
constexpr int kPassed = 0, kMismatch = 1, kWrongInput = 2, kMachineFault = 3;

struct Arguments {
  std::string config, fidelity = "rtl", kinds = "all", out, waves, trace;
  std::vector<std::string> settings;
};

/// What a command says on the standard output, and its exit code.
struct Outcome {
  std::string text;
  int code = kPassed;
};

// A long run tells on a terminal how far it is.
bool at_terminal() { return isatty(STDERR_FILENO) != 0; }
void show_progress(std::int64_t step, double loss) {
  corank::print_error(fmt::format("\rstep {}: loss {:.6f}", step, loss));
}

void check_reference_options(const Arguments& arguments) {
  if (!arguments.waves.empty())
    throw corank::InputError("--waves: the reference has no signals; expected --fidelity rtl");
  if (!arguments.trace.empty())
    throw corank::InputError(
        "--trace: the reference has no cycles; expected --fidelity rtl or cycle");
}

Outcome finetune_command(const corank::Config& config, const corank::RunOptions& options,
                         bool reference) {
  corank::RunFiles files = corank::open_finetune_files(config, options);
  const corank::FinetuneResult result =
      reference ? corank::finetune(config, options.progress ? show_progress : nullptr, options.stop,
                                   options.out_directory)
                : corank::finetune_on_device(config, options, files);
  if (options.progress) corank::print_error(fmt::format("\r{:40}\r", ""));
  const corank::OrderlyEnd orderly;
  std::string text = corank::to_table(result.report);
  const std::string& out = options.out_directory;
  if (!out.empty()) {
    corank::write_finetune(out, result, {config.write_gradients, config.write_logits});
    text += fmt::format("  written to {}\n", out);
  }
  if (result.report.incomplete) return {text, corank::exit_code_of_interruption()};
  return {text, result.report.passed() ? kPassed : kMismatch};
}

Outcome lockstep_command(const corank::Config& config, const corank::RunOptions& options) {
  const corank::LockstepResult result = corank::run_lockstep(config, options);
  if (result.stopped) return {corank::to_text(result), corank::exit_code_of_interruption()};
  return {corank::to_text(result), result.right() ? kPassed : kMismatch};
}

Outcome analytic_command(const corank::Config& config, const corank::RunOptions& options) {
  const corank::OrderlyEnd orderly;
  std::string text = corank::to_table(corank::run_analytic(config, options));
  if (!options.out_directory.empty())
    text += fmt::format("  written to {}/report.json\n", options.out_directory);
  return {text};
}

corank::Config configuration_of(const Arguments& arguments) {
  if (arguments.config.empty() && arguments.settings.empty())
    throw corank::InputError("expected a configuration, or settings of one (--set)");
  return corank::load_config(arguments.config, arguments.settings);
}

Outcome run_command(const Arguments& arguments) {
  const corank::Config config = configuration_of(arguments);
  corank::RunOptions options;
  if (arguments.fidelity == "cycle") options.fidelity = corank::Fidelity::kCycle;
  options.out_directory = arguments.out;
  if (!arguments.waves.empty()) options.waves = arguments.waves;
  if (!arguments.trace.empty()) options.trace = arguments.trace;
  options.progress = at_terminal();
  options.stop = corank::interrupted;
  if (arguments.fidelity == "both") return lockstep_command(config, options);
  if (arguments.fidelity == "analytic") return analytic_command(config, options);
  const bool reference = arguments.fidelity == "reference";
  if (reference) check_reference_options(arguments);
  if (reference || corank::names_finetuning(config))
    return finetune_command(config, options, reference);
  const corank::RunReport report = corank::run(config, options);
  std::string text = corank::to_table(report);
  if (!arguments.out.empty())
    text += fmt::format("  written to {}: report.html, report.json{}\n", arguments.out,
                        report.values && !report.incomplete ? ", tensors.safetensors" : "");
  if (report.incomplete) return {text, corank::exit_code_of_interruption()};
  return {text, report.passed() ? kPassed : kMismatch};
}

Outcome verify_command(const Arguments& arguments, corank::VerifyOptions options) {
  const corank::Config config = corank::load_config(arguments.config, arguments.settings);
  options.progress = at_terminal();
  options.stop = corank::interrupted;
  options.kinds = corank::case_kinds_of(arguments.kinds);
  const corank::VerifyResult result = corank::verify(config, options);
  std::string replay = "corank verify";
  if (!arguments.config.empty()) replay += " " + corank::shell_word(arguments.config);
  for (const std::string& setting : arguments.settings)
    replay += " --set " + corank::shell_word(setting);
  replay += fmt::format(" --kinds {} --seed {} --first {} --cases 1",
                        corank::name_of(result.failed_kind), options.seed, result.failed);
  const std::string text = corank::to_text(result, replay);
  if (result.failed >= 0) return {text, result.fault ? kMachineFault : kMismatch};
  return {text, result.stopped ? corank::exit_code_of_interruption() : kPassed};
}

Outcome machine_command(const Arguments& arguments) {
  const corank::Config config = configuration_of(arguments);
  corank::MachineBuildOptions options;
  options.quiet = !at_terminal();
  options.stop = corank::interrupted;
  const corank::OrderlyEnd orderly;
  return {corank::machine_library(config.machine, options) + "\n"};
}

constexpr const char* kCells = "osu018";

struct CostArguments {
  corank::CostOptions options;
  std::string target = kCells, part, json;
  std::optional<int> node_nm;
};

Outcome cost_command(const Arguments& arguments, const CostArguments& costing) {
  const std::string& json = costing.json;
  const corank::Config config = configuration_of(arguments);
  corank::check_outputs({{"--json " + json, json}}, config.files);
  std::optional<corank::OutputFile> file;
  if (!json.empty()) file.emplace(json, "--json " + json);
  corank::CostOptions options = costing.options;
  options.progress = at_terminal();
  options.stop = corank::interrupted;
  const corank::OrderlyEnd orderly;
  const auto outcome_of = [&](const auto& report) {
    if (file) corank::write_json(*file, corank::to_json(report));
    return Outcome{corank::to_table(report)};
  };
  if (costing.target != kCells && costing.node_nm)
    throw corank::InputError("--node: is for standard cells alone; found --target " +
                             costing.target);
  if (costing.node_nm) options.node_nm = *costing.node_nm;
  if (costing.target != kCells)
    return outcome_of(corank::fpga_cost(config, costing.target, costing.part, options));
  if (!costing.part.empty()) throw corank::InputError("--part: is for an FPGA's --target alone");
  if (!options.route.empty()) throw corank::InputError("--route: is for an FPGA's --target alone");
  return outcome_of(corank::cost(config, options));
}

Outcome compile_command(const Arguments& arguments, const std::string& output) {
  using corank::CompilerOutput;
  const corank::Config config = configuration_of(arguments);
  const CompilerOutput wanted = output == "graph"  ? CompilerOutput::kGraph
                                : output == "plan" ? CompilerOutput::kPlan
                                                   : CompilerOutput::kCommands;
  return {corank::compile_to_text(config, wanted)};
}

Outcome schema_command(const std::string& of) {
  if (of == "report") return {corank::kReportSchema};
  if (of == "finetune_report") return {corank::kFinetuneReportSchema};
  if (of == "analytic_report") return {corank::kAnalyticReportSchema};
  return {corank::describe_schema()};
}

/// Says what a command has to say. Who does not hear that all is right must not take it for that.
int end_with(const Outcome& outcome) {
  const std::string failure = corank::print(outcome.text);
  if (failure.empty()) return outcome.code;
  corank::print_error("corank: the standard output cannot be written: " + failure + "\n");
  return outcome.code == kPassed ? kMachineFault : outcome.code;
}

int complain(const std::string& message, int code) {
  corank::print_error("corank: " + message + "\n");
  return code;
}

void takes_configuration(CLI::App* command, Arguments& arguments) {
  command->add_option("config", arguments.config,
                      "configuration, YAML; left out: what --set says, and defaults");
}

void takes_settings(CLI::App* command, Arguments& arguments) {
  command
      ->add_option("--set", arguments.settings,
                   "path.to.key=value, overrides the configuration (repeatable)")
      ->allow_extra_args(false);
}

void add_run(CLI::App& app, Arguments& arguments) {
  CLI::App* run_step = app.add_subcommand(
      "run", "run training steps on the simulated hardware and report their cost");
  takes_configuration(run_step, arguments);
  run_step
      ->add_option(
          "--fidelity", arguments.fidelity,
          "how the accelerator is simulated: rtl, every clock edge of it; cycle, a model with the "
          "same cycles and results, much faster; both, the two compared event by event; analytic, "
          "not at all: what the step takes at least and about, from its commands; or reference: a "
          "fine-tuning run in plain C++")
      ->check(CLI::IsMember({"rtl", "cycle", "both", "analytic", "reference"}));
  const CLI::Validator a_path(
      [](const std::string& text) { return text.empty() ? "expected a path" : ""; }, "", "");
  run_step
      ->add_option("--out", arguments.out,
                   "directory for the report (report.html, report.json) and the results")
      ->check(a_path);
  takes_settings(run_step, arguments);
  run_step
      ->add_option("--trace", arguments.trace,
                   "write what every unit did when to this JSON file, for ui.perfetto.dev")
      ->check(a_path);
  run_step->add_option("--waves", arguments.waves, "write every signal to this FST file (slow)")
      ->check(a_path);
}

CLI::App* add_verify(CLI::App& app, Arguments& arguments, corank::VerifyOptions& verification) {
  CLI::App* verify = app.add_subcommand(
      "verify",
      "is the RTL right? Random layers, graphs and transformers on the configuration's "
      "accelerator, each compared with the bit-exact reference, the account of its commands and "
      "the cycle model");
  verify->add_option("config", arguments.config,
                     "configuration, YAML: its accelerator, and its memory for half of the cases; "
                     "left out: the default accelerator");
  takes_settings(verify, arguments);
  verify->add_option("--cases", verification.cases, "how many of each kind")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verify
      ->add_option("--kinds", arguments.kinds,
                   "layers, linear ones with their adapters; graphs, of all ops; transformers, "
                   "whole models with their training; or all")
      ->check(CLI::IsMember({"all", "layers", "graphs", "transformers"}))
      ->capture_default_str();
  verify->add_option("--seed", verification.seed, "of the cases; the same seed gives the same ones")
      ->check([](const std::string& text) {  // CLI11 itself would take -1 for a very large number
        return text.find_first_not_of("0123456789") == std::string::npos
                   ? ""
                   : "expected a whole number, found '" + text + "'";
      })
      ->capture_default_str();
  verify->add_option("--first", verification.first, "number of the first case")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  return verify;
}

CLI::App* add_cost(CLI::App& app, Arguments& arguments, CostArguments& costing) {
  CLI::App* cost = app.add_subcommand(
      "cost",
      "area, clock and leakage of a configuration's accelerator, by synthesis to cells or, "
      "of large ones, by a closed form fitted to it");
  takes_configuration(cost, arguments);
  takes_settings(cost, arguments);
  cost->add_option("--node", costing.node_nm,
                   "nm: 180, that of the cells (left out: this); or 45, 28, 7, scaled by published "
                   "figures");
  cost->add_flag("--whole", costing.options.whole,
                 "synthesise it however large it is (minutes to hours)");
  cost->add_option("--target", costing.target,
                   "osu018, standard cells; or ecp5, xilinx7: what it takes of an FPGA")
      ->capture_default_str();
  cost->add_option("--part", costing.part,
                   "of the FPGA family; left out: the smallest that holds it, else the largest");
  cost->add_option("--route", costing.options.route,
                   "of ecp5: units, place and route each unit by itself for its clock (minutes a "
                   "unit, the first time); or machine, all in one (an hour)")
      ->check(CLI::IsMember({"units", "machine"}));
  cost->add_option("--json", costing.json, "write all of it to this JSON file");
  return cost;
}

CLI::App* add_report(CLI::App& app, corank::ReportOptions& options) {
  CLI::App* report = app.add_subcommand(
      "report",
      "a page of pictures (HTML, one file that needs no network) of what a run or a sweep found");
  report
      ->add_option(
          "path", options.path,
          "folder of a run (--out) or of a sweep; or a run's report.json, a sweep's export")
      ->required();
  report->add_option("other", options.other, "a second sweep, drawn over the first");
  report->add_option("-o,--output", options.output, "HTML file")->required();
  report->add_option("--trace", options.trace,
                     "a file that run --trace wrote, for the timeline of every unit");
  return report;
}

int run(int argc, char** argv) {
  CLI::App app{
      "corank: co-design simulator for hardware that fine-tunes large models with low-rank "
      "adapters"};
  app.require_subcommand(1);
  Arguments arguments;
  add_run(app, arguments);

  CLI::App* machine = app.add_subcommand(
      "machine", "build the verilated machine of a configuration and print where it lies");
  takes_configuration(machine, arguments);
  takes_settings(machine, arguments);

  CLI::App* compile = app.add_subcommand(
      "compile", "print what the compiler decides for the step of a configuration");
  std::string compiled = "plan";
  takes_configuration(compile, arguments);
  takes_settings(compile, arguments);
  compile
      ->add_option("--print", compiled,
                   "graph, the ops of the step; plan, their order, blocks and places; or commands")
      ->check(CLI::IsMember({"graph", "plan", "commands"}))
      ->capture_default_str();

  CostArguments costing;
  CLI::App* cost = add_cost(app, arguments, costing);

  corank::VerifyOptions verification;
  CLI::App* verify = add_verify(app, arguments, verification);

  corank::ReportOptions reporting;
  CLI::App* report = add_report(app, reporting);
  const corank::SweepCommand sweep(app);

  CLI::App* schema = app.add_subcommand(
      "schema", "print every key that a configuration may have, or the JSON schema of a report");
  std::string described = "configuration";
  schema
      ->add_option("of", described,
                   "configuration; report, of steps of layers; finetune_report, of a "
                   "fine-tuning run; or analytic_report, of --fidelity analytic")
      ->check(CLI::IsMember({"configuration", "report", "finetune_report", "analytic_report"}))
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help
      std::ostringstream help;
      app.exit(error, help, help);
      return end_with({help.str()});
    }
    const auto unknown = app.remaining();
    const bool no_such = app.get_subcommands().empty() && !unknown.empty();
    return complain(corank::message_line(no_such ? "no subcommand '" + unknown.front() + "'"
                                                 : std::string(error.what())) +
                        "; corank --help shows what there is",
                    kWrongInput);
  }
  if (*compile) return end_with(compile_command(arguments, compiled));
  if (*cost) return end_with(cost_command(arguments, costing));
  if (*schema) return end_with(schema_command(described));
  if (*report) return end_with({corank::report_command(reporting)});
  if (sweep.given()) {
    const auto [text, code] = sweep.run();
    return end_with({text, code});
  }
  if (*verify) return end_with(verify_command(arguments, verification));
  return end_with(*machine ? machine_command(arguments) : run_command(arguments));
}

// What is made before main() can run out of memory too, where nobody catches it.
constexpr char kOutOfMemory[] = "out of memory";

void end_without_memory() {
  const std::string_view words[] = {"corank: ", kOutOfMemory, "\n"};
  for (const std::string_view part : words) {
    if (::write(STDERR_FILENO, part.data(), part.size()) < 0) break;
  }
  ::_exit(kMachineFault);
}

void before_everything() { std::set_new_handler(end_without_memory); }

// The ELF section of what is called before even the libraries make their globals.
[[gnu::section(".preinit_array"), gnu::used]] void (*const kBeforeEverything)() = before_everything;

}  // namespace

int main(int argc, char** argv) {
  std::set_new_handler(nullptr);  // from here on it is an exception: nothing half-written stays
  corank::prepare_standard_streams();
  corank::handle_signals();
  try {
    return run(argc, argv);
  } catch (const corank::InputError& error) {
    return complain(error.what(), kWrongInput);
  } catch (const corank::TrainingDiverged& error) {
    return complain(error.what(), kMismatch);
  } catch (const corank::MachineError& error) {
    return complain(error.what(), kMachineFault);
  } catch (const corank::Interrupted& error) {
    return complain(error.what(), corank::exit_code_of_interruption());
  } catch (const std::bad_alloc&) {
    return complain(kOutOfMemory, kMachineFault);
  } catch (const std::exception& error) {
    return complain(std::string("internal fault, please report it: ") + error.what(),
                    kMachineFault);
  }
}
