#include "host/run/lockstep.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "host/driver/command_order.h"
#include "host/run/prepare_finetune.h"
#include "host/run/run_files.h"
#include "host/run/simulate.h"
#include "host/verify/comparison.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

// Of a line on its way between the processes, beside the kinds of the transcript: what a side cost.
constexpr char kCost = 's';

// ---- the side of the simulating process ----

class EventWriter {
 public:
  explicit EventWriter(int file) : file_(file) {}
  ~EventWriter() { flush(); }
  void tell(char kind, const std::string& line) {
    buffer_ += kind + line + "\n";
    if (buffer_.size() > kBufferBytes) flush();
  }

 private:
  static constexpr std::size_t kBufferBytes = 1 << 16;
  void flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t written = write(file_, buffer_.data() + done, buffer_.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) _exit(1);  // nobody listens any more
      done += static_cast<std::size_t>(written);
    }
    buffer_.clear();
  }
  int file_;
  std::string buffer_;
};

void simulate_and_tell(int file, const std::function<Simulated(const SimulationObserver&)>& run) {
  EventWriter writer(file);
  const EventSink tell = [&](EventKind kind, const std::string& line) {
    writer.tell(static_cast<char>(kind), line);
  };
  try {
    const Simulated simulated = run(observe(tell));
    for (const StepResult& step : simulated.steps) tell_counters(step.counters, tell);
    tell_outcome(simulated.results, simulated.platform, tell);
    const DeviceCounters& counters = simulated.steps.back().counters;
    writer.tell(kCost,
                fmt::format("{} {}", simulated.platform.cpu_seconds,
                            counters[static_cast<std::size_t>(interface::Counter::kCycles)]));
  } catch (const std::exception& error) {
    std::string text = error.what();
    for (char& c : text) c = c == '\n' ? '\t' : c;
    tell(EventKind::kError, text);
  }
}

// ---- the listening side ----

class Process {
 public:
  Process(Side side, const std::function<Simulated(const SimulationObserver&)>& run) : side_(side) {
    int channel[2];
    if (pipe(channel) != 0)
      throw MachineError("no pipe for a lockstep run: " + std::string(std::strerror(errno)));
    process_ = fork();
    if (process_ < 0)
      throw MachineError("no process for a lockstep run: " + std::string(std::strerror(errno)));
    if (process_ == 0) {
      close(channel[0]);
      // The listening side decides when to end, and takes this one with it.
      for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_IGN);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      simulate_and_tell(channel[1], run);
      _exit(0);
    }
    close(channel[1]);
    file_ = channel[0];
  }
  ~Process() {
    close(file_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int file() const { return file_; }
  bool ended() const { return ended_; }
  const std::string& cost() const { return cost_; }    // "": it did not come to its end
  const std::string& error() const { return error_; }  // "": none

  void read_some(Comparison& comparison) {
    std::array<char, 1 << 16> buffer{};
    const ssize_t size = read(file_, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) return;
    if (size <= 0) {
      ended_ = true;
      comparison.end(side_);
      return;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(size));
    std::size_t begin = 0;
    for (std::size_t end; (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string line = text_.substr(begin + 1, end - begin - 1);
      if (text_[begin] == kCost) {
        cost_ = std::move(line);
        continue;
      }
      const auto kind = static_cast<EventKind>(text_[begin]);
      if (kind == EventKind::kError) error_ = line;
      comparison.take(side_, kind, std::move(line));
    }
    text_.erase(0, begin);
  }

 private:
  Side side_;
  pid_t process_ = -1;
  int file_ = -1;
  bool ended_ = false;
  std::string text_, cost_, error_;
};

void read_from(Process& rtl, Process& cycle, Comparison& comparison) {
  std::array<pollfd, 2> files{};
  nfds_t count = 0;
  std::array<Process*, 2> processes{};
  for (Process* process : {&rtl, &cycle}) {
    if (process->ended()) continue;
    processes[count] = process;
    files[count++] = {process->file(), POLLIN, 0};
  }
  poll(files.data(), count, -1);
  for (nfds_t i = 0; i < count; ++i) {
    if (files[i].revents != 0) processes[i]->read_some(comparison);
  }
}

void check_lockstep(const Config& config, const RunOptions& options) {
  if (!config.values)
    throw InputError(place_of(config, "values"),
                     "values: off needs --fidelity cycle; found --fidelity both");
  if (config.layers == Layers::kRepeated)
    throw InputError(place_of(config, "workload.layers"),
                     "workload.layers: repeated needs --fidelity cycle; found --fidelity both");
  if (!options.out_directory.empty() || options.trace)
    throw InputError(
        std::string(options.trace ? "--trace" : "--out") +
        ": --fidelity both compares and reports nothing else; expected --fidelity rtl or cycle");
}

// What both sides do, prepared once.
struct Sides {
  std::function<Simulated(const RunOptions&, const std::string&, const SimulationObserver&)> run;
  std::uint64_t commands = 0;
  std::string disorder;  // of them
};

Sides layers_of_config(const Config& config) {
  const auto prepared = std::make_shared<const PreparedStep>(prepare_step(config));
  const auto run = [&config, prepared](const RunOptions& side, const std::string& machine,
                                       const SimulationObserver& observer) {
    return simulate(config, side, *prepared, machine, observer);
  };
  return {run, prepared->step.commands.size(),
          disorder(prepared->step, prepared->program.graph, config.machine)};
}

// All that comes of the steps is a result of the simulation.
Sides finetuning_of_config(const Config& config) {
  const auto prepared = std::make_shared<const PreparedFinetune>(prepare_for_device(config));
  const auto run = [&config, prepared](const RunOptions& side, const std::string& machine,
                                       const SimulationObserver& observer) {
    const DeviceWork work = [&](Executor& device) {
      const TrainingResult trained = train_on_device(device, *prepared, nullptr);
      TensorMap results = states_of(device, *prepared);
      for (auto& entry : numbers_of(trained)) results.insert(std::move(entry));
      for (const auto& [name, gradient] : trained.first_gradients)
        results.emplace("gradient of " + name, gradient);
      results.emplace("logits", trained.first_logits);
      return results;
    };
    RunOptions whole_steps = side;
    whole_steps.stop = nullptr;  // the listening side ends both
    return simulate(config, whole_steps, *prepared, machine, work, observer);
  };
  return {run, prepared->step.commands.size(),
          disorder(prepared->step, prepared->program.graph, config.machine)};
}

}  // namespace

LockstepResult run_lockstep(const Config& config, const RunOptions& options) {
  check_lockstep(config, options);
  RunFiles files(config, {"", {}, "", options.waves.value_or("")});
  const Sides sides =
      names_finetuning(config) ? finetuning_of_config(config) : layers_of_config(config);
  LockstepResult result;
  result.disorder = sides.disorder;
  if (!result.disorder.empty()) return result;
  result.ordered = sides.commands;
  const OrderlyEnd orderly;
  RunOptions rtl_options = options, cycle_options = options;
  rtl_options.fidelity = Fidelity::kRtl;
  cycle_options.fidelity = Fidelity::kCycle;
  cycle_options.waves.reset();
  if (files.waves) rtl_options.waves = files.waves->temporary();
  const std::string machine = build_machine(config, rtl_options);
  const auto runner = [&](const RunOptions& side) {
    return [&](const SimulationObserver& observer) { return sides.run(side, machine, observer); };
  };
  Process rtl(Side::kRtl, runner(rtl_options)), cycle(Side::kCycle, runner(cycle_options));
  Comparison comparison;
  while (comparison.difference().empty() && !(rtl.ended() && cycle.ended()) && !result.stopped) {
    read_from(rtl, cycle, comparison);
    result.stopped = options.stop && options.stop();
  }
  result.difference = comparison.difference();
  if (result.difference.empty() && !rtl.error().empty()) throw MachineError(rtl.error());
  result.commands = comparison.equal(EventKind::kCommand);
  result.transactions = comparison.equal(EventKind::kTransaction);
  result.counters = comparison.equal(EventKind::kCounter);
  result.figures = comparison.equal(EventKind::kFigure);
  result.result_bytes = comparison.equal(EventKind::kResult) * 32;
  if (!result.difference.empty() || result.stopped) return result;
  for (const auto& [process, cost, name] :
       {std::tuple{&rtl, &result.rtl_cpu_s, "rtl"}, {&cycle, &result.cycle_cpu_s, "cycle"}}) {
    if (process->cost().empty())
      throw MachineError(std::string("the simulation of ") + name + " ended early");
    std::size_t end = 0;
    *cost = std::stod(process->cost(), &end);
    result.cycles = std::stoull(process->cost().substr(end));
  }
  if (files.waves) files.waves->finish();
  return result;
}

std::string to_text(const LockstepResult& r) {
  if (!r.disorder.empty()) return "MISMATCH: " + r.disorder;
  if (!r.difference.empty()) {
    return fmt::format(
        "MISMATCH between rtl and cycle after {} equal commands and {} equal transactions\n{}",
        r.commands, r.transactions, r.difference);
  }
  if (r.stopped) {
    return fmt::format(
        "STOPPED: rtl and cycle are equal so far: {} commands (issue, start, end), {} AXI "
        "transactions\n",
        r.commands, r.transactions);
  }
  return fmt::format(
      "rtl and cycle are equal: {} commands (issue, start, end), {} AXI transactions, {} counters, "
      "{} figures of pins, memory and link, {} bytes of results\n{}  {} cycles; rtl {:.2f} s of "
      "CPU, "
      "cycle {:.2f} s: {:.0f} times faster\n",
      r.commands, r.transactions, r.counters, r.figures, r.result_bytes, ordered_text(r.ordered),
      r.cycles, r.rtl_cpu_s, r.cycle_cpu_s, r.rtl_cpu_s / r.cycle_cpu_s);
}

}  // namespace corank
