#include "host/sweep/sweep_command.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "host/report/write_json.h"
#include "host/sweep/engine.h"
#include "host/sweep/forked.h"
#include "host/sweep/sweep_driver.h"
#include "host/sweep/sweep_export.h"
#include "host/sweep/sweep_folder.h"
#include "host/sweep/sweep_table_json.h"
#include "host/sweep/sweep_text.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"
#include "sim/system/output_file.h"
#include "sim/system/standard_streams.h"

namespace corank {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMismatch = 1;
// Of workers elsewhere, where the user does not say how many.
constexpr int kRemoteWorkers = 8;
constexpr auto kBetweenLines = std::chrono::milliseconds(200);

/// One line on a terminal, which is written over.
class SweepProgressLine {
 public:
  SweepProgressLine() : shown_(isatty(STDERR_FILENO) != 0) {}
  ~SweepProgressLine() {
    if (shown_) print_error("\r\033[K");
  }
  SweepProgressLine(const SweepProgressLine&) = delete;
  SweepProgressLine& operator=(const SweepProgressLine&) = delete;

  void show(const SweepState& state) {
    if (!shown_ || Clock::now() < next_) return;
    next_ = Clock::now() + kBetweenLines;
    print_error(fmt::format(
        "\r\033[K{} designs run, {:.3g} % pruned, {:.3g} % open; {} of this "
        "round: {} of {}",
        state.runs, 100 * state.pruned, 100 * state.open, state.doing, state.done, state.of));
  }

 private:
  bool shown_;
  Clock::time_point next_;
};

// Slurm tells a worker by this signal that its time ends.
volatile sig_atomic_t time_is_up = 0;
void on_time_up(int /*signal*/) { time_is_up = 1; }

}  // namespace

struct SweepCommand::State {
  CLI::App *sweep = nullptr, *show = nullptr, *compare = nullptr, *export_to = nullptr,
           *work = nullptr;
  std::string file, out, on = "local", submit, folder, other, csv, sqlite, json;
  std::vector<std::string> settings;
  int workers = 0;
  bool commands = false, retry = false;

  SweepOutcome carry_out() const;
  SweepOutcome write_exports() const;
  SweepOutcome do_work() const;
  std::unique_ptr<SweepEngine> engine(Store& store, const JobContext& context) const;
  void check() const;
};

void SweepCommand::State::check() const {
  if (file.empty())
    throw InputError("corank sweep: expected a sweep's file, or show, compare, export, work");
  if (out.empty()) throw InputError("--out: is missing; the sweep is kept in this folder");
  if ((on == "command") != !submit.empty())
    throw InputError("--submit: is for --on command, which needs it");
  if (!submit.empty() && submit.find("{worker}") == std::string::npos)
    throw InputError("--submit: expected {worker} in it, the command of a worker");
}

std::unique_ptr<SweepEngine> SweepCommand::State::engine(Store& store,
                                                         const JobContext& context) const {
  const int remote = workers > 0 ? workers : kRemoteWorkers;
  if (on == "slurm") return slurm_engine(store, context, remote);
  if (on == "command") return command_engine(store, context, remote, submit);
  return local_engine(store, context, workers > 0 ? workers : usable_processors());
}

SweepOutcome SweepCommand::State::carry_out() const {
  check();
  const SweepFile description = load_sweep(file, settings);
  const OrderlyEnd orderly;
  std::optional<SweepProgressLine> line(std::in_place);
  SweepOptions options;
  options.folder = out;
  options.workers = on == "local" && workers > 0 ? workers : usable_processors();
  options.engine = [this](Store& store, const JobContext& context) {
    return engine(store, context);
  };
  options.retry = retry;
  options.stop = interrupted;
  options.progress = [&](const SweepState& state) { line->show(state); };
  const SweepEnd end = carry_out_sweep(description, options);
  line.reset();
  std::string text = to_text(end.table, commands);
  if (end.violation) return {text + *end.violation + "\n", kMismatch};
  if (!end.stopped) return {text};
  text += "interrupted; what is finished is kept, and the same command goes on\n";
  return {text, exit_code_of_interruption()};
}

SweepOutcome SweepCommand::State::write_exports() const {
  if (csv.empty() && sqlite.empty() && json.empty())
    throw InputError("corank sweep export: expected --csv, --sqlite or --json");
  std::vector<NamedPath> outputs;
  for (const auto& [named, path] :
       {NamedPath{"--csv ", csv}, {"--sqlite ", sqlite}, {"--json ", json}})
    if (!path.empty()) outputs.push_back({named + path, path});
  check_outputs(outputs, {sweep_origin(folder).file});
  std::vector<std::unique_ptr<OutputFile>> files;
  files.reserve(outputs.size());
  for (const NamedPath& output : outputs)
    files.push_back(std::make_unique<OutputFile>(output.path, output.named));
  const SweepTable table = table_of_folder(folder);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (outputs[i].path == csv) {
      files[i]->write(to_csv(table));
      files[i]->finish();
    } else if (outputs[i].path == json) {
      write_json(*files[i], to_json(table));
    } else if (files[i]->temporary().empty()) {
      throw InputError(outputs[i].named + ": expected a regular file");
    } else {
      write_sqlite(*files[i], table);
    }
  }
  return {};
}

SweepOutcome SweepCommand::State::do_work() const {
  ::signal(SIGUSR1, on_time_up);
  const OrderlyEnd orderly;
  corank::work(folder, std::max(1, workers), [] { return interrupted() || time_is_up != 0; });
  return {"", interrupted() ? exit_code_of_interruption() : 0};
}

SweepCommand::SweepCommand(CLI::App& program) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.sweep = program.add_subcommand("sweep",
                                   "which hardware is best? Searches the designs that a sweep's "
                                   "file describes for those that no "
                                   "other one beats, with a proof, and keeps every run");
  s.sweep->require_subcommand(0, 1);
  s.sweep->add_option("file", s.file, "what to search, YAML");
  s.sweep->add_option("--out", s.out,
                      "folder of the sweep; where it is there already, the sweep goes on");
  s.sweep
      ->add_option("--on", s.on,
                   "who carries out the runs: local, processes of this machine; slurm; or command, "
                   "--submit's")
      ->check(CLI::IsMember({"local", "slurm", "command"}))
      ->capture_default_str();
  s.sweep
      ->add_option("--workers", s.workers,
                   "how many at a time; left out: one a processor, elsewhere 8")
      ->check(CLI::Range(1, 100000));
  s.sweep->add_option("--submit", s.submit,
                      "of --on command: starts {n} workers, each by {worker}, and ends when they "
                      "have ended");
  s.sweep->add_option("--set", s.settings, "path.to.key=value, for every design (repeatable)")
      ->allow_extra_args(false);
  s.sweep->add_flag("--retry", s.retry, "try again what failed");
  s.sweep->add_flag("--show-commands", s.commands, "with the corank run lines of the front");

  const auto takes_folder = [&](CLI::App* command) {
    command->add_option("folder", s.folder, "of a sweep")->required();
  };
  s.show = s.sweep->add_subcommand("show", "print what is known of a sweep");
  takes_folder(s.show);
  s.show->add_flag("--show-commands", s.commands, "with the corank run lines of the front");
  s.compare = s.sweep->add_subcommand("compare", "print what one sweep found beside another one");
  takes_folder(s.compare);
  s.compare->add_option("other", s.other, "folder of the other one")->required();
  s.export_to = s.sweep->add_subcommand("export", "write all that is known of a sweep to files");
  takes_folder(s.export_to);
  s.export_to->add_option("--csv", s.csv, "a row a design");
  s.export_to->add_option("--sqlite", s.sqlite, "the same as a database");
  s.export_to->add_option("--json", s.json, "all of it, a list a column");
  s.work = s.sweep->add_subcommand("work", "be a worker: what --on slurm and --on command start");
  takes_folder(s.work);
  s.work->add_option("--workers", s.workers, "runs at a time; left out: 1")
      ->check(CLI::Range(1, 100000));
}

SweepCommand::~SweepCommand() = default;

bool SweepCommand::given() const { return state_->sweep->parsed(); }

SweepOutcome SweepCommand::run() const {
  const State& s = *state_;
  if (*s.show) return {to_text(table_of_folder(s.folder), s.commands)};
  if (*s.compare) return {compare_sweeps(table_of_folder(s.folder), table_of_folder(s.other))};
  if (*s.export_to) return s.write_exports();
  if (*s.work) return s.do_work();
  return s.carry_out();
}

}  // namespace corank
