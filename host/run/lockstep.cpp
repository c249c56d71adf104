#include "host/run/lockstep.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "host/run/simulate.h"
#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::array<const char*, 4> kUnitNames = {"load", "array", "vector", "store"};

// What one side says: a letter, and a line of text that is equal on both sides or a difference. The
// letter sorts the lines, since between sorts the order may differ.
enum class Sort : char {
  kCommand = 'c',
  kTransaction = 't',
  kCounter = 'n',
  kResult = 'r',
  kError = 'e',
  kCost = 's'
};
constexpr std::array<Sort, 4> kCompared = {Sort::kCommand, Sort::kTransaction, Sort::kCounter,
                                           Sort::kResult};

const char* name_of(Sort sort) {
  switch (sort) {
    case Sort::kCommand:
      return "command";
    case Sort::kTransaction:
      return "transaction";
    case Sort::kCounter:
      return "counter";
    case Sort::kResult:
      return "result";
    default:
      return "message";
  }
}

// ---- the side of the simulating process ----

class Teller {
 public:
  explicit Teller(int file) : file_(file) {}
  ~Teller() { flush(); }
  void tell(Sort sort, const std::string& line) {
    buffer_ += static_cast<char>(sort) + line + "\n";
    if (buffer_.size() > kBufferBytes) flush();
  }

 private:
  static constexpr std::size_t kBufferBytes = 1 << 16;
  void flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t written = write(file_, buffer_.data() + done, buffer_.size() - done);
      if (written <= 0) _exit(1);  // nobody listens any more
      done += static_cast<std::size_t>(written);
    }
    buffer_.clear();
  }
  int file_;
  std::string buffer_;
};

std::string text_of(const TraceEvent& event) {
  return fmt::format("{:<6} {:>7}  issue {:>9}  start {:>9}  end {:>9}",
                     kUnitNames[static_cast<std::size_t>(event.unit)], event.command, event.issue,
                     event.start, event.end);
}

std::string text_of(const MemoryTransaction& t) {
  return fmt::format("cycle {:>9}  {:<5} {:#012x}  {:>5} bytes  {:016x}", t.cycle,
                     t.write ? "write" : "read", t.address, t.bytes, t.digest);
}

// Results in pieces of 32 bytes, so that a difference is found near its place.
void tell_result(Teller& teller, const std::string& name, const Tensor& tensor) {
  constexpr std::size_t kPiece = 32;
  for (std::size_t at = 0; at < tensor.bytes.size(); at += kPiece) {
    std::string line = fmt::format("{} byte {:>9} ", name, at);
    for (std::size_t i = at; i < std::min(at + kPiece, tensor.bytes.size()); ++i)
      line += fmt::format("{:02x}", std::to_integer<unsigned>(tensor.bytes[i]));
    teller.tell(Sort::kResult, line);
  }
}

void simulate_and_tell(int file, const std::function<Simulated(const SimulationObserver&)>& run) {
  Teller teller(file);
  try {
    SimulationObserver observer;
    observer.event = [&](const TraceEvent& event) { teller.tell(Sort::kCommand, text_of(event)); };
    observer.transaction = [&](const MemoryTransaction& transaction) {
      teller.tell(Sort::kTransaction, text_of(transaction));
    };
    const Simulated simulated = run(observer);
    const DeviceCounters& counters = simulated.result.counters;
    for (std::size_t i = 0; i < counters.size(); ++i)
      teller.tell(Sort::kCounter, fmt::format("{} {}", interface::kCounterNames[i], counters[i]));
    teller.tell(Sort::kCounter,
                fmt::format("cycles of the simulation {}", simulated.platform.cycles));
    for (const auto& [name, tensor] : simulated.result.results) tell_result(teller, name, tensor);
    teller.tell(Sort::kCost,
                fmt::format("{} {}", simulated.platform.cpu_seconds,
                            counters[static_cast<std::size_t>(interface::Counter::kCycles)]));
  } catch (const std::exception& error) {
    std::string text = error.what();
    for (char& c : text) c = c == '\n' ? '\t' : c;
    teller.tell(Sort::kError, text);
  }
}

// ---- the listening side ----

class Side {
 public:
  Side(std::string name, const std::function<Simulated(const SimulationObserver&)>& run)
      : name_(std::move(name)) {
    int channel[2];
    if (pipe(channel) != 0)
      throw MachineError("no pipe for a lockstep run: " + std::string(std::strerror(errno)));
    process_ = fork();
    if (process_ < 0)
      throw MachineError("no process for a lockstep run: " + std::string(std::strerror(errno)));
    if (process_ == 0) {
      close(channel[0]);
      simulate_and_tell(channel[1], run);
      _exit(0);
    }
    close(channel[1]);
    file_ = channel[0];
  }
  ~Side() {
    close(file_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  int file() const { return file_; }
  bool ended() const { return ended_; }
  const std::string& name() const { return name_; }
  std::deque<std::string>& lines(Sort sort) {
    return lines_[static_cast<std::size_t>(static_cast<unsigned char>(sort))];
  }

  void read_some() {
    std::array<char, 1 << 16> buffer{};
    const ssize_t size = read(file_, buffer.data(), buffer.size());
    if (size <= 0) {
      ended_ = true;
      return;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(size));
    std::size_t begin = 0;
    for (std::size_t end; (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1)
      lines(static_cast<Sort>(text_[begin])).push_back(text_.substr(begin + 1, end - begin - 1));
    text_.erase(0, begin);
  }

 private:
  std::string name_;
  pid_t process_ = -1;
  int file_ = -1;
  bool ended_ = false;
  std::string text_;
  std::array<std::deque<std::string>, 256> lines_;
};

class Comparison {
 public:
  // Takes what both sides have said of one sort; true at the first difference.
  bool compare(Sort sort, Side& rtl, Side& cycle, std::string& difference) {
    std::deque<std::string>&left = rtl.lines(sort), &right = cycle.lines(sort);
    const bool all_there = rtl.ended() && cycle.ended();
    while (!left.empty() && !right.empty() && left.front() == right.front()) {
      std::deque<std::string>& before = before_[static_cast<unsigned char>(sort)];
      before.push_back(std::move(left.front()));
      if (before.size() > kContext) before.pop_front();
      left.pop_front();
      right.pop_front();
      ++equal_[static_cast<unsigned char>(sort)];
    }
    if (left.empty() && right.empty()) return false;
    if (!all_there && (left.size() < kAfter || right.size() < kAfter))
      return false;  // context comes
    difference = fmt::format("{} {} differs:\n", name_of(sort), equal(sort));
    for (const std::string& line : before_[static_cast<unsigned char>(sort)])
      difference += "  both   " + line + "\n";
    for (std::size_t i = 0; i < kAfter; ++i) {
      if (i < left.size()) difference += "  rtl    " + left[i] + "\n";
      if (i < right.size()) difference += "  cycle  " + right[i] + "\n";
    }
    return true;
  }

  std::uint64_t equal(Sort sort) const { return equal_[static_cast<unsigned char>(sort)]; }

 private:
  static constexpr std::size_t kContext = 6, kAfter = 3;
  std::array<std::deque<std::string>, 256> before_;
  std::array<std::uint64_t, 256> equal_{};
};

void read_from(Side& rtl, Side& cycle) {
  std::array<pollfd, 2> files{};
  nfds_t count = 0;
  std::array<Side*, 2> sides{};
  for (Side* side : {&rtl, &cycle}) {
    if (side->ended()) continue;
    sides[count] = side;
    files[count++] = {side->file(), POLLIN, 0};
  }
  poll(files.data(), count, -1);
  for (nfds_t i = 0; i < count; ++i) {
    if (files[i].revents != 0) sides[i]->read_some();
  }
}

}  // namespace

LockstepResult run_lockstep(const Config& config, const RunOptions& options) {
  if (config.values == "off")
    throw InputError(config.file + ": values: off needs --fidelity cycle; found --fidelity both");
  const PreparedStep prepared = prepare_step(config);
  RunOptions rtl_options = options, cycle_options = options;
  rtl_options.fidelity = Fidelity::kRtl;
  cycle_options.fidelity = Fidelity::kCycle;
  cycle_options.waves.reset();
  const std::string machine = build_machine(config, rtl_options);
  const auto runner = [&](const RunOptions& side) {
    return [&](const SimulationObserver& observer) {
      return simulate(config, side, prepared, machine, observer);
    };
  };
  Side rtl("rtl", runner(rtl_options)), cycle("cycle", runner(cycle_options));

  LockstepResult result;
  Comparison comparison;
  while (result.difference.empty()) {
    const bool last = rtl.ended() && cycle.ended();
    for (const Sort sort : kCompared) {
      if (comparison.compare(sort, rtl, cycle, result.difference)) break;
    }
    if (last) break;
    read_from(rtl, cycle);
  }
  const std::deque<std::string>&left = rtl.lines(Sort::kError), &right = cycle.lines(Sort::kError);
  if (result.difference.empty() && left != right) {
    result.difference =
        fmt::format("error:\n  rtl    {}\n  cycle  {}\n", left.empty() ? "-" : left.front(),
                    right.empty() ? "-" : right.front());
  }
  if (result.difference.empty() && !left.empty()) throw MachineError(left.front());
  result.commands = comparison.equal(Sort::kCommand);
  result.transactions = comparison.equal(Sort::kTransaction);
  result.counters = comparison.equal(Sort::kCounter);
  result.result_bytes = comparison.equal(Sort::kResult) * 32;
  if (!result.difference.empty()) return result;
  for (auto& [side, cost] :
       {std::pair<Side*, double*>{&rtl, &result.rtl_cpu_s}, {&cycle, &result.cycle_cpu_s}}) {
    if (side->lines(Sort::kCost).empty())
      throw MachineError("the simulation of " + side->name() + " ended early");
    std::size_t end = 0;
    const std::string& text = side->lines(Sort::kCost).front();
    *cost = std::stod(text, &end);
    result.cycles = std::stoull(text.substr(end));
  }
  return result;
}

std::string to_text(const LockstepResult& r) {
  if (!r.difference.empty()) {
    return fmt::format(
        "MISMATCH between rtl and cycle after {} equal commands and {} equal transactions\n{}",
        r.commands, r.transactions, r.difference);
  }
  return fmt::format(
      "rtl and cycle are equal: {} commands (issue, start, end), {} AXI transactions, {} counters, "
      "{} bytes of "
      "results\n  {} cycles; rtl {:.2f} s of CPU, cycle {:.2f} s: {:.0f} times faster\n",
      r.commands, r.transactions, r.counters, r.result_bytes, r.cycles, r.rtl_cpu_s, r.cycle_cpu_s,
      r.rtl_cpu_s / r.cycle_cpu_s);
}

}  // namespace corank
