// Engines whose workers are started by others: they read the plan in the sweep's folder and keep
// what they find there; the driver looks at the store until nothing is missing.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "host/sweep/store.h"
#include "host/sweep/work_plan.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "sim/system/child_process.h"
#include "sim/system/standard_streams.h"

namespace corank {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kMostIdleRounds = 3;  // of workers that finish nothing
constexpr auto kLookAtStore = std::chrono::milliseconds(200);
constexpr auto kAskScheduler = std::chrono::milliseconds(1000);
constexpr auto kAfterIdleRound = std::chrono::seconds(2);  // before others are asked for
// A chunk should be this long: short against what a killed worker loses, long against a claim.
constexpr double kChunkSeconds = 10;
constexpr std::size_t kMostNamed = 5;  // of missing runs in a message

std::string worker_command(const std::string& folder) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) throw MachineError("/proc/self/exe: cannot be read: " + error.message());
  return shell_word(program.string()) + " sweep work " + shell_word(folder);
}

/// Workers that were asked for.
class Workers {
 public:
  virtual ~Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Whether any of them is or may yet be at work.
  virtual bool active() = 0;
  virtual void cancel() = 0;
  /// What they or their scheduler said; "": nothing is known.
  virtual std::string complaint() const = 0;

 protected:
  Workers() = default;
};

class RemoteEngine : public SweepEngine {
 public:
  RemoteEngine(Store& store, JobContext context, int workers)
      : store_(store), context_(std::move(context)), workers_(workers) {}

  void carry_out(const std::vector<Job>& jobs, const std::function<bool()>& stop,
                 const std::function<void(std::size_t)>& progress) override {
    std::vector<Job> missing = missing_of(jobs);
    for (int idle = 0; !missing.empty();) {
      const std::size_t before = missing.size();
      const std::string complaint = one_round(jobs, missing, stop, progress);
      if (stop()) return;
      idle = missing.size() < before ? 0 : idle + 1;
      if (idle == kMostIdleRounds) give_up(missing, complaint);
      if (idle > 0) std::this_thread::sleep_for(kAfterIdleRound);
    }
  }

 protected:
  virtual std::unique_ptr<Workers> start(int workers) = 0;
  const JobContext& context() const { return context_; }

 private:
  std::vector<Job> missing_of(const std::vector<Job>& jobs) {
    store_.refresh();
    std::vector<Job> missing;
    std::copy_if(jobs.begin(), jobs.end(), std::back_inserter(missing),
                 [&](const Job& job) { return !store_.has(job.key); });
    return missing;
  }

  std::string one_round(const std::vector<Job>& jobs, std::vector<Job>& missing,
                        const std::function<bool()>& stop,
                        const std::function<void(std::size_t)>& progress) {
    const auto workers =
        static_cast<int>(std::min(missing.size(), static_cast<std::size_t>(std::max(1, workers_))));
    const double usual = store_.usual_seconds();
    const double by_time = usual > 0 ? kChunkSeconds / usual : 1;
    const std::size_t fair = missing.size() / (static_cast<std::size_t>(workers) * 4);
    const std::size_t chunk =
        std::max<std::size_t>(1, std::min(fair, static_cast<std::size_t>(std::min(by_time, 1e6))));
    write_plan({context_, missing, chunk, 0});
    const std::unique_ptr<Workers> at_work = start(workers);
    for (bool active = true; active && !missing.empty();) {
      active = at_work->active();  // before the last look at the store
      missing = missing_of(missing);
      if (progress) progress(jobs.size() - missing.size());
      if (stop()) break;
      if (active && !missing.empty()) std::this_thread::sleep_for(kLookAtStore);
    }
    std::string complaint = at_work->complaint();
    at_work->cancel();  // those who still wait for their turn would find nothing to do
    return complaint;
  }

  [[noreturn]] static void give_up(const std::vector<Job>& missing, const std::string& complaint) {
    std::string names;
    for (std::size_t i = 0; i < std::min(missing.size(), kMostNamed); ++i)
      names += fmt::format("{}design {}", i == 0 ? "" : ", ", missing[i].design);
    if (missing.size() > kMostNamed)
      names += fmt::format(" and {} more", missing.size() - kMostNamed);
    throw MachineError(
        fmt::format("workers were started {} times and finished nothing; missing: {}{}",
                    kMostIdleRounds, names, complaint.empty() ? "" : "; " + complaint));
  }

  Store& store_;
  JobContext context_;
  int workers_;
};

// ---- Slurm ----

class SlurmArray : public Workers {
 public:
  SlurmArray(const JobContext& context, int workers, int most) {
    const ProgramOutput submitted = run_program(
        {"sbatch", "--parsable", "--requeue", "--open-mode=append", "--signal=B:USR1@60",
         fmt::format("--array=0-{}", std::min(workers, most) - 1), "--job-name=corank-sweep",
         "--chdir=" + context.directory, "--output=" + context.folder + "/logs/slurm-%A_%a.log",
         // The signal reaches the batch shell alone, whose place the worker takes.
         "--wrap=exec " + worker_command(context.folder)});
    if (!submitted.failure.empty()) {
      complaint_ = "sbatch: " + submitted.failure + ": " + submitted.err;
      return;
    }
    id_ = submitted.out.substr(0, submitted.out.find_first_of(";\n"));
  }

  bool active() override {
    if (id_.empty()) return false;
    if (Clock::now() < next_) return active_;
    next_ = Clock::now() + kAskScheduler;
    const ProgramOutput queue = run_program({"squeue", "-h", "-j", id_, "-o", "%r"});
    const bool forgotten = queue.err.find("Invalid job id") != std::string::npos;
    // A controller that does not answer has not ended its jobs.
    active_ = !forgotten && (!queue.failure.empty() || any_may_run(queue.out));
    return active_;
  }

  void cancel() override {
    if (!id_.empty()) run_program({"scancel", id_});
  }

  std::string complaint() const override { return complaint_; }

 private:
  // By the reason of each task that is there still: what Slurm could not start waits for an
  // operator.
  static bool any_may_run(const std::string& reasons) {
    std::istringstream lines(reasons);
    for (std::string reason; std::getline(lines, reason);)
      if (reason.find("launch failed") == std::string::npos) return true;
    return false;
  }

  std::string id_, complaint_;
  bool active_ = true;
  Clock::time_point next_;
};

class SlurmEngine : public RemoteEngine {
 public:
  using RemoteEngine::RemoteEngine;

 private:
  std::unique_ptr<Workers> start(int workers) override {
    if (!most_) most_ = most_array_tasks();
    return std::make_unique<SlurmArray>(context(), workers, *most_);
  }

  static int most_array_tasks() {
    constexpr int kDefault = 1001;
    const ProgramOutput config = run_program({"scontrol", "show", "config"});
    const std::string name = "MaxArraySize";
    const std::size_t at = config.out.find(name);
    const std::size_t digits =
        at == std::string::npos ? at : config.out.find_first_of("0123456789", at);
    int most = kDefault;
    if (digits != std::string::npos)
      std::from_chars(config.out.data() + digits, config.out.data() + config.out.size(), most);
    return std::max(1, most);
  }

  std::optional<int> most_;
};

// ---- a command of the user's ----

class CommandWorkers : public Workers {
 public:
  CommandWorkers(const std::string& command, const JobContext& context)
      : log_(context.folder + "/logs/command.log") {
    process_ = fork();
    if (process_ < 0)
      throw MachineError(std::string("--submit: no process: ") + std::strerror(errno));
    if (process_ > 0) return;
    setpgid(0, 0);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
    const int nothing = open("/dev/null", O_RDONLY);
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(nothing, STDIN_FILENO);
    if (log >= 0) {
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
    }
    if (chdir(context.directory.c_str()) == 0)
      execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  ~CommandWorkers() override { cancel(); }

  bool active() override {
    if (!ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
    return !ended_;
  }

  // Who has nothing left to do ends by itself, but whoever waits for a machine.
  void cancel() override {
    if (ended_) return;
    kill(-process_, SIGTERM);
    while (waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
  }

  std::string complaint() const override {
    const bool right = ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
    return right ? "" : "see " + log_;
  }

 private:
  std::string log_;
  pid_t process_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

class CommandEngine : public RemoteEngine {
 public:
  CommandEngine(Store& store, JobContext context, int workers, std::string command)
      : RemoteEngine(store, std::move(context), workers), command_(std::move(command)) {}

 private:
  std::unique_ptr<Workers> start(int workers) override {
    const std::string numbered = replaced(command_, "{n}", std::to_string(workers));
    return std::make_unique<CommandWorkers>(
        replaced(numbered, "{worker}", worker_command(context().folder)), context());
  }

  std::string command_;
};

}  // namespace

std::unique_ptr<SweepEngine> slurm_engine(Store& store, JobContext context, int workers) {
  return std::make_unique<SlurmEngine>(store, std::move(context), workers);
}

std::unique_ptr<SweepEngine> command_engine(Store& store, JobContext context, int workers,
                                            const std::string& command) {
  return std::make_unique<CommandEngine>(store, std::move(context), workers, command);
}

}  // namespace corank
