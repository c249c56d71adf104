#include "host/run/step_work.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "host/driver/account.h"
#include "host/energy/energy_lines.h"
#include "host/energy/gate_lines.h"
#include "host/report/phases.h"
#include "host/run/step_costs.h"

namespace corank {
namespace {

using namespace interface;

// The keys that occur, each with its place, and which one a command belongs to.
class Keys {
 public:
  explicit Keys(const PreparedProgram& prepared) : prepared_(prepared) {
    const Graph& graph = prepared.program.graph;
    by_op_.reserve(graph.ops.size());
    for (const Op& op : graph.ops) {
      const Origin& origin = origin_of(graph, op);
      by_op_.push_back({origin.group, work_kind_of(graph, op), origin.kind.pass});
      add(by_op_.back());
    }
    for (const WorkKey& key : by_op_)
      for (const GemmKind& kind : prepared.step.gemm_kinds)
        add({key.layer, work_kind_of(kind.part), kind.pass});
    nobody_ = add({-1, WorkKind::kResidual, Pass::kForward});
    of_op_.reserve(by_op_.size());
    for (const WorkKey& key : by_op_) of_op_.push_back(places_.at(key));
  }

  std::size_t size() const { return places_.size(); }
  const std::map<WorkKey, std::size_t>& places() const { return places_; }

  /// Of a product the term that the command computes.
  std::size_t of(const CompiledCommand& command) const {
    if (command.op < 0) return nobody_;
    const auto op = static_cast<std::size_t>(command.op);
    if ((command.words[0] & 0xff) != GemmCommand::kOpcode) return of_op_[op];
    const GemmKind& kind = prepared_.step.gemm_kinds[decode_gemm(command.words).kind];
    return places_.at({by_op_[op].layer, work_kind_of(kind.part), kind.pass});
  }

 private:
  std::size_t add(const WorkKey& key) {
    return places_.try_emplace(key, places_.size()).first->second;
  }

  const PreparedProgram& prepared_;
  std::map<WorkKey, std::size_t> places_;
  std::vector<WorkKey> by_op_;
  std::vector<std::size_t> of_op_;
  std::size_t nobody_ = 0;
};

// A time in which a unit worked for a key.
struct Interval {
  std::int64_t begin = 0, end = 0;
  std::size_t key = 0;
};

// What one unit did, command by command: of millions none is kept. Events are in the order of their
// ends, and each unit carries out its commands one after the other; the rows of a product are taken
// in just before its end.
class UnitWork {
 public:
  UnitWork(const CompiledStep& step, const MachineShape& machine, const Keys& keys,
           const std::vector<TraceEvent>& events, Engine unit)
      : step_(step), machine_(machine), keys_(keys), events_(events), unit_(unit) {
    advance();
  }

  const std::optional<Interval>& now() const { return now_; }

  void advance() {
    const std::int64_t end = now_ ? now_->end : 0;
    now_.reset();
    while (!now_ && place_ < events_.size()) {
      const TraceEvent& event = events_[place_++];
      if (event.end < 0 || event.unit != unit_ || event.command >= step_.commands.size()) continue;
      const CompiledCommand command = step_.commands[event.command];
      std::int64_t begin = event.start;
      if (unit_ == Engine::kArray)
        begin = event.end - streaming_cycles(decode_gemm(command.words), machine_);
      now_ = {std::max(begin, end), event.end, keys_.of(command)};
    }
  }

 private:
  const CompiledStep& step_;
  const MachineShape& machine_;
  const Keys& keys_;
  const std::vector<TraceEvent>& events_;
  const Engine unit_;
  std::size_t place_ = 0;  // of the next event
  std::optional<Interval> now_;
};

// Gives every one of the step's cycles to a key. Events count from the simulation's begin; the step
// ends with its last command.
class CycleSharing {
 public:
  CycleSharing(const CompiledStep& step, const MachineShape& machine, const Keys& keys,
               const std::vector<TraceEvent>& events, std::vector<Work>& work)
      : array_(step, machine, keys, events, Engine::kArray),
        vector_(step, machine, keys, events, Engine::kVector),
        work_(work) {
    const TraceEvent* last = nullptr;
    for (const TraceEvent& event : events) {
      if (event.end < 0 || event.command >= step.commands.size()) continue;
      if (last == nullptr || event.end >= last->end) last = &event;
    }
    if (last == nullptr) return;
    end_ = last->end;
    last_key_ = keys.of(step.commands[last->command]);
  }

  void share(std::int64_t cycles) {
    now_ = end_ - cycles;
    for (; array_.now(); array_.advance()) {
      const Interval product = *array_.now();
      gap(product.begin, product.key);
      work_[product.key].array_cycles += static_cast<std::uint64_t>(product.end - product.begin);
      now_ = product.end;
    }
    gap(end_, last_key_);
  }

 private:
  // From now to `end` the array takes in nothing; `next` is whose cycles those are that the vector
  // unit does not work in either.
  void gap(std::int64_t end, std::size_t next) {
    while (now_ < end) {
      while (vector_.now() && vector_.now()->end <= now_) vector_.advance();
      if (!vector_.now() || vector_.now()->begin >= end) return wait(end, next);
      const Interval working = *vector_.now();
      if (working.begin > now_) wait(working.begin, next);
      const std::int64_t until = std::min(end, working.end);
      work_[working.key].vector_cycles += static_cast<std::uint64_t>(until - now_);
      now_ = until;
    }
  }

  void wait(std::int64_t end, std::size_t key) {
    work_[key].waiting_cycles += static_cast<std::uint64_t>(end - now_);
    now_ = end;
  }

  UnitWork array_, vector_;
  std::vector<Work>& work_;
  std::int64_t now_ = 0, end_ = 0;
  std::size_t last_key_ = 0;
};

double energy_pj(const std::vector<EnergyLine>& lines, bool dynamic) {
  double sum = 0;
  for (const EnergyLine& line : lines)
    if ((line.part == EnergyPart::kDynamic) == dynamic) sum += line.total_pj();
  return sum;
}

// The energy of what the commands of a key alone are counted by.
double own_energy(const Config& config, const MachineSilicon& silicon,
                  const std::map<Counter, std::uint64_t>& counts) {
  EnergyMeasurement measurement;
  measurement.silicon = silicon;
  for (const auto& [counter, count] : counts)
    measurement.counters[static_cast<std::size_t>(counter)] = count;
  return energy_pj(energy_lines(measurement, config.energy, config.memory), true);
}

void share_energy(const Config& config, const StepSums& sums,
                  const std::vector<std::map<Counter, std::uint64_t>>& counts,
                  std::vector<Work>& work) {
  const MachineSilicon silicon = machine_silicon(config.machine, config.energy.node);
  StepSums step = sums;  // without the transfers before and after
  step.upload = step.download = {};
  step.upload_ns = step.download_ns = 0;
  const std::vector<EnergyLine> lines = energy_of(config, silicon, step);
  Work all;
  double own = 0;
  for (std::size_t i = 0; i < work.size(); ++i) {
    work[i].energy_pj = own_energy(config, silicon, counts[i]);
    own += work[i].energy_pj;
    all += work[i];
  }
  const double by_bytes = energy_pj(lines, true) - own, by_cycles = energy_pj(lines, false);
  const auto bytes = static_cast<double>(all.bytes_read + all.bytes_written);
  for (Work& one : work) {
    one.energy_pj +=
        by_bytes * ratio(static_cast<double>(one.bytes_read + one.bytes_written), bytes) +
        by_cycles * ratio(static_cast<double>(one.cycles()), static_cast<double>(all.cycles()));
  }
}

}  // namespace

StepWorkByKey step_work(const Config& config, const PreparedProgram& prepared,
                        const Simulated& simulated, const StepSums& sums) {
  const Keys keys(prepared);
  std::vector<Work> work(keys.size());
  CycleSharing(prepared.step, config.machine, keys, simulated.platform.trace, work)
      .share(static_cast<std::int64_t>(at(sums.counters, Counter::kCycles)));
  const auto counts =
      account_by(prepared.step, config.machine, config.limits.burst_beats, keys.size(),
                 [&](const CompiledCommand& command) { return keys.of(command); });
  const auto bus_bytes = static_cast<std::uint64_t>(config.machine.axi_data_bits / 8);
  for (std::size_t i = 0; i < work.size(); ++i) {
    const auto count = [&](Counter counter) {
      const auto found = counts[i].find(counter);
      return found == counts[i].end() ? 0 : found->second;
    };
    for (std::uint32_t kind = 0; kind < kGemmKinds; ++kind)
      work[i].macs +=
          count(static_cast<Counter>(static_cast<std::uint32_t>(Counter::kGemmMacs0) + kind));
    work[i].bytes_read = (count(Counter::kLoadBeats) + count(Counter::kFetchBeats)) * bus_bytes;
    work[i].bytes_written = count(Counter::kStoreBeats) * bus_bytes;
  }
  share_energy(config, sums, counts, work);
  StepWorkByKey by_key;
  for (const auto& [key, place] : keys.places()) {
    const Work& one = work[place];
    if (one.cycles() + one.bytes_read + one.bytes_written + one.macs > 0) by_key[key] = one;
  }
  return by_key;
}

}  // namespace corank
