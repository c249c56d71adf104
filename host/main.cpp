// The corank program: command line, exit codes, nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <new>

#include "host/config/config.h"
#include "host/report/report.h"
#include "host/run/finetune.h"
#include "host/run/lockstep.h"
#include "host/run/run.h"
#include "host/train/training.h"
#include "host/verify/verify.h"
#include "models/base/error.h"
#include "sim/machine/build.h"

namespace {

// design: 0 right, 1 the run found a mismatch, 2 the user's input is wrong, 3 a fault of the
// machine.
constexpr int kRight = 0, kMismatch = 1, kWrongInput = 2, kMachineFault = 3;
constexpr int kInterrupted = 130;  // as shells say it: 128 + SIGINT

// Set by Ctrl-C; a second one ends the program at once.
volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int /*signal*/) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

struct Arguments {
  std::string config, fidelity = "rtl", out, waves, trace;
  std::vector<std::string> settings;
};

// A long run tells on a terminal how far it is.
void show_progress(std::int64_t step, double loss) {
  fmt::print(stderr, "\rstep {}: loss {:.6f}", step, loss);
}

int reference_command(const Arguments& arguments, const corank::Config& config) {
  if (!arguments.waves.empty())
    throw corank::InputError("--waves: the reference has no signals; expected --fidelity rtl");
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const corank::FinetuneResult result =
      corank::finetune(config, terminal ? show_progress : nullptr);
  if (terminal) fmt::print(stderr, "\r{:40}\r", "");
  if (!arguments.out.empty())
    corank::write_finetune(arguments.out, result, {config.write_gradients, config.write_logits});
  fmt::print("{}", corank::to_table(result.report));
  if (!arguments.out.empty()) fmt::print("  written to {}\n", arguments.out);
  return kRight;
}

int lockstep_command(const corank::Config& config, const corank::RunOptions& options) {
  const corank::LockstepResult result = corank::run_lockstep(config, options);
  fmt::print("{}", corank::to_text(result));
  return result.difference.empty() ? kRight : kMismatch;
}

int run_command(const Arguments& arguments) {
  if (arguments.fidelity == "analytic") {
    throw corank::InputError(
        "--fidelity analytic: this version of corank has only rtl, cycle and reference");
  }
  const corank::Config config = corank::load_config(arguments.config, arguments.settings);
  if (arguments.fidelity == "reference") return reference_command(arguments, config);
  corank::RunOptions options;
  if (arguments.fidelity == "cycle") options.fidelity = corank::Fidelity::kCycle;
  options.out_directory = arguments.out;
  if (!arguments.waves.empty()) options.waves = arguments.waves;
  options.progress = isatty(STDERR_FILENO) != 0;
  if (!arguments.trace.empty()) options.trace = arguments.trace;
  if (arguments.fidelity == "both") return lockstep_command(config, options);
  std::signal(SIGINT, on_interrupt);
  options.stop = [] { return interrupted != 0; };
  const corank::RunReport report = corank::run(config, options);
  fmt::print("{}", corank::to_table(report));
  if (!arguments.out.empty())
    fmt::print("  written to {}/report.json{}\n", arguments.out,
               report.values && !report.incomplete
                   ? " and " + arguments.out + "/tensors.safetensors"
                   : "");
  if (report.incomplete) return kInterrupted;
  return report.right() ? kRight : kMismatch;
}

// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyz"
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./:=,") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

int verify_command(const Arguments& arguments, corank::VerifyOptions options) {
  const corank::Config config = corank::load_config(arguments.config, arguments.settings);
  options.progress = isatty(STDERR_FILENO) != 0;
  std::signal(SIGINT, on_interrupt);
  options.stop = [] { return interrupted != 0; };
  const corank::VerifyResult result = corank::verify(config, options);
  std::string replay = "corank verify";
  if (!arguments.config.empty()) replay += " " + quoted(arguments.config);
  for (const std::string& setting : arguments.settings) replay += " --set " + quoted(setting);
  replay += fmt::format(" --seed {} --first {} --cases 1", options.seed, result.failed);
  fmt::print("{}", corank::to_text(result, replay));
  if (result.failed >= 0) return result.fault ? kMachineFault : kMismatch;
  return result.stopped ? kInterrupted : kRight;
}

int machine_command(const Arguments& arguments) {
  const corank::Config config = corank::load_config(arguments.config, arguments.settings);
  corank::MachineBuildOptions options;
  options.quiet = isatty(STDERR_FILENO) == 0;
  fmt::print("{}\n", corank::machine_library(config.machine, options));
  return kRight;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "corank: co-design simulator for hardware that fine-tunes large models with low-rank "
      "adapters"};
  app.require_subcommand(1);
  Arguments arguments;

  CLI::App* run = app.add_subcommand(
      "run", "run one training step on the simulated hardware and report its cost");
  run->add_option("config", arguments.config, "configuration, YAML")->required();
  run->add_option(
         "--fidelity", arguments.fidelity,
         "how the accelerator is simulated: rtl, every clock edge of it; cycle, a model with the "
         "same cycles and results, much faster; both, the two compared event by event; or "
         "reference: a whole fine-tuning run in "
         "plain C++")
      ->check(CLI::IsMember({"rtl", "cycle", "both", "analytic", "reference"}));
  run->add_option("--out", arguments.out, "directory for report.json and the results");
  run->add_option("--set", arguments.settings,
                  "path.to.key=value, overrides the configuration (repeatable)")
      ->allow_extra_args(false);
  run->add_option("--trace", arguments.trace,
                  "write what every unit did when to this JSON file, for ui.perfetto.dev");
  run->add_option("--waves", arguments.waves, "write every signal to this FST file (slow)");

  CLI::App* machine = app.add_subcommand(
      "machine", "build the verilated machine of a configuration and print where it lies");
  machine->add_option("config", arguments.config, "configuration, YAML")->required();
  machine
      ->add_option("--set", arguments.settings,
                   "path.to.key=value, overrides the configuration (repeatable)")
      ->allow_extra_args(false);

  corank::VerifyOptions verification;
  CLI::App* verify = app.add_subcommand(
      "verify",
      "is the RTL right? Random layers on the configuration's accelerator, each compared with the "
      "bit-exact reference, the account of its commands and the cycle model");
  verify->add_option("config", arguments.config,
                     "configuration, YAML: its accelerator, and its memory for half of the cases; "
                     "left out: the default accelerator");
  verify
      ->add_option("--set", arguments.settings,
                   "path.to.key=value, overrides the configuration (repeatable)")
      ->allow_extra_args(false);
  verify->add_option("--cases", verification.cases, "how many")
      ->check(CLI::PositiveNumber)
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

  CLI::App* schema = app.add_subcommand("schema", "print every key that a configuration may have");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    const auto unknown = app.remaining();
    const bool no_such = app.get_subcommands().empty() && !unknown.empty();
    fmt::print(stderr, "corank: {}; corank --help shows what there is\n",
               no_such ? "no subcommand '" + unknown.front() + "'" : error.what());
    return kWrongInput;
  }
  try {
    if (*schema) {
      fmt::print("{}", corank::describe_schema());
      return kRight;
    }
    if (*verify) return verify_command(arguments, verification);
    return *machine ? machine_command(arguments) : run_command(arguments);
  } catch (const corank::InputError& error) {
    fmt::print(stderr, "corank: {}\n", error.what());
    return kWrongInput;
  } catch (const corank::TrainingDiverged& error) {
    fmt::print(stderr, "corank: {}\n", error.what());
    return kMismatch;
  } catch (const corank::MachineError& error) {
    fmt::print(stderr, "corank: {}\n", error.what());
    return kMachineFault;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "corank: out of memory\n");
    return kMachineFault;
  } catch (const std::exception& error) {
    fmt::print(stderr, "corank: internal fault, please report it: {}\n", error.what());
    return kMachineFault;
  }
}
