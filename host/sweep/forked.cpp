#include "host/sweep/forked.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

constexpr int kMostCrashes = 2, kMostKills = 5;           // of one task
constexpr int kPollMilliseconds = 100;                    // so often `stop` is asked
constexpr std::uint64_t kError = std::uint64_t{1} << 63;  // in an answer's length

bool write_all(int file, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = send(file, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool read_all(int file, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = recv(file, data, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool answer(int file, const std::string& text, bool error) {
  const std::uint64_t header = text.size() | (error ? kError : 0);
  return write_all(file, reinterpret_cast<const char*>(&header), sizeof header) &&
         write_all(file, text.data(), text.size());
}

// A worker's life: an index in, an answer out.
void serve(int file, const std::function<std::string(std::size_t)>& task) {
  std::uint64_t index = 0;
  while (read_all(file, reinterpret_cast<char*>(&index), sizeof index)) {
    std::string text;
    bool error = false;
    try {
      text = task(static_cast<std::size_t>(index));
    } catch (const Interrupted&) {
      return;
    } catch (const std::exception& problem) {
      text = problem.what();
      error = true;
    }
    if (!answer(file, text, error)) return;
  }
}

// The one who started all of it decides when they end; a terminal tells the whole group.
void take_signals_as_worker() {
  for (const int number : {SIGINT, SIGHUP}) ::signal(number, SIG_IGN);
  ::signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool is_from_outside(int status) {
  if (!WIFSIGNALED(status)) return false;
  const int signal = WTERMSIG(status);
  return signal == SIGKILL || signal == SIGTERM || signal == SIGXCPU;
}

std::string why_ended(int status) {
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

struct Worker {
  pid_t process = -1;
  int file = -1;
  std::optional<std::size_t> task;
};

class Pool {
 public:
  explicit Pool(const std::function<std::string(std::size_t)>& task) : task_(task) {}
  ~Pool() {
    for (Worker& worker : workers_) end(worker);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::vector<Worker>& workers() { return workers_; }
  void add() {
    workers_.emplace_back();
    start(workers_.back());
  }
  void start(Worker& worker) {
    int files[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, files) != 0) refuse();
    const pid_t parent = getpid();
    {
      const SignalsHeld held;  // not before the worker takes signals as a worker
      worker.process = fork();
      if (worker.process == 0) take_signals_as_worker();
    }
    if (worker.process < 0) {
      close(files[0]);
      close(files[1]);
      refuse();
    }
    if (worker.process == 0) {
      // Nobody else may hold the other ends: their closing is the end of the work.
      close(files[0]);
      for (const Worker& other : workers_)
        if (other.file >= 0) close(other.file);
      if (getppid() == parent) serve(files[1], task_);
      _exit(0);
    }
    close(files[1]);
    worker.file = files[0];
    worker.task.reset();
  }
  /// Its wait status.
  int end(Worker& worker, bool kill_it = true) {
    if (worker.process < 0) return 0;
    if (kill_it) kill(worker.process, SIGKILL);
    int status = 0;
    while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    close(worker.file);
    worker.process = worker.file = -1;
    return status;
  }

 private:
  [[noreturn]] static void refuse() {
    throw MachineError(std::string("no process for a worker: ") + std::strerror(errno));
  }

  const std::function<std::string(std::size_t)>& task_;
  std::vector<Worker> workers_;
};

}  // namespace

int usable_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

void carry_out_forked(std::size_t count, int workers,
                      const std::function<std::string(std::size_t)>& task,
                      const std::function<void(std::size_t, TaskEnd)>& done,
                      const std::function<bool()>& stop) {
  std::deque<std::size_t> open;
  for (std::size_t i = 0; i < count; ++i) open.push_back(i);
  std::map<std::size_t, int> crashes, kills;
  std::size_t ended = 0;
  Pool pool(task);
  const auto give = [&](Worker& worker) {
    if (open.empty()) return;
    const std::uint64_t index = open.front();
    worker.task = open.front();
    open.pop_front();
    // If it is dead, its end of the line says so below.
    write_all(worker.file, reinterpret_cast<const char*>(&index), sizeof index);
  };
  const auto bury = [&](Worker& worker) {
    const std::optional<std::size_t> lost = worker.task;
    const int status = pool.end(worker, false);
    if (lost) {
      const bool outside = is_from_outside(status);
      const int so_often = ++(outside ? kills : crashes)[*lost];
      if (so_often < (outside ? kMostKills : kMostCrashes)) {
        open.push_front(*lost);
      } else {
        ++ended;
        done(*lost, {"", why_ended(status)});
      }
    }
    pool.start(worker);
  };
  const std::size_t most = std::min(count, static_cast<std::size_t>(std::max(1, workers)));
  pool.workers().reserve(most);
  for (std::size_t i = 0; i < most; ++i) pool.add();
  for (Worker& worker : pool.workers()) give(worker);
  std::vector<pollfd> polled;
  while (ended < count && !(stop && stop())) {
    polled.clear();
    for (const Worker& worker : pool.workers()) polled.push_back({worker.file, POLLIN, 0});
    if (poll(polled.data(), polled.size(), kPollMilliseconds) <= 0) continue;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      Worker& worker = pool.workers()[i];
      std::uint64_t header = 0;
      std::string text;
      bool whole = read_all(worker.file, reinterpret_cast<char*>(&header), sizeof header);
      if (whole) {
        text.resize(header & ~kError);
        whole = read_all(worker.file, text.data(), text.size());
      }
      if (!whole) {
        bury(worker);
      } else if ((header & kError) != 0) {
        throw MachineError(text);
      } else {
        const std::size_t of = *worker.task;
        worker.task.reset();
        ++ended;
        done(of, {std::move(text), ""});
      }
    }
    for (Worker& worker : pool.workers())
      if (!worker.task) give(worker);
  }
}

}  // namespace corank
