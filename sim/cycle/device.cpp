#include "sim/cycle/device.h"

#include <algorithm>

#include "models/base/error.h"

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Fault;

std::uint32_t u32(int count) { return static_cast<std::uint32_t>(count); }

// A unit's own fault, or a local access beyond the end, or a token too many.
UnitFault fault_of(const UnitFault& own, bool local_range, std::uint64_t line, bool overflow) {
  if (own.valid()) return own;
  // A token too many hides the line (rtl/corank_accelerator.sv, fault_of).
  if (local_range) return {Fault::kLocalRange, overflow ? 0 : line};
  if (overflow) return {Fault::kTokenOverflow, 0};
  return {};
}

// What a command of the load unit does to the ring of streamed weights: only loads do anything.
struct Stream {
  bool takes = false, releases = false;
};
Stream stream_of(const QueuedCommand& command) {
  if (command.opcode() == interface::LoadQuantizedCommand::kOpcode) {
    const auto load = interface::decode_load_quantized(command.words);
    return {load.stream_take != 0, load.stream_release != 0};
  }
  if (command.opcode() != interface::LoadCommand::kOpcode) return {};
  const interface::LoadCommand load = interface::decode_load(command.words);
  return {load.stream_take != 0, load.stream_release != 0};
}

}  // namespace

Device::Device(const MachineShape& shape, bool values, AxiPort& port)
    : port_(port),
      local_{{memory_lanes(shape), u32(scratchpad_lines(shape)), values},
             {memory_lanes(shape), u32(accumulator_lines(shape)), values}},
      registers_(shape),
      processor_(shape),
      queues_{CommandQueue(shape.queue_depth), CommandQueue(shape.queue_depth),
              CommandQueue(shape.queue_depth), CommandQueue(shape.queue_depth)},
      load_(shape.axi_data_bits / 8, values, local_, program_, indices_),
      array_(shape, values, local_),
      vector_(shape, values, local_, program_),
      store_(shape.axi_data_bits / 8, values, local_, indices_) {}

void Device::reset() {
  synchronise(cycle_ + 1);
  processor_.reset();
  for (CommandQueue& queue : queues_) queue.reset();
  tokens_.reset();
  window_.reset();
  arbiter_.reset();
  load_.reset();
  array_.reset();
  vector_.reset();
  store_.reset();
}

void Device::skip(Cycle cycles) {
  Counters& counters = registers_.counters();
  processor_.skip(cycles, port_.read_beat(), counters);
  load_.skip(cycles, counters);
  store_.skip(cycles, counters);
  port_.skip(cycles);
  registers_.count(cycles);
}

void Device::synchronise(Cycle end) {
  Counters& counters = registers_.counters();
  load_.synchronise(counters);
  array_.synchronise(end, counters);
  vector_.synchronise(end, counters);
  store_.synchronise(counters);
}

// Which commands start, are dispatched and are complete in this cycle.
void Device::look_at_commands(MachinePins& pins) {
  const bool stop = registers_.stop();
  completions_ = {load_.completion(), array_.completion(), vector_.completion(),
                  store_.completion()};
  idle_ = {load_.idle(), array_.idle(), vector_.idle(), store_.idle()};
  const std::array<bool, kQueues> ready = {load_.ready(queues_[kLoad].oldest()), array_.ready(),
                                           vector_.ready(), store_.ready()};
  const std::uint32_t available = tokens_.available();
  taken_tokens_ = given_tokens_ = 0;
  pins.trace_start_valid = pins.trace_end_valid = 0;
  CommandProcessor::Inputs in;
  in.units_idle = true;
  for (int unit = 0; unit < kQueues; ++unit) {
    const auto u = static_cast<std::size_t>(unit);
    const CommandQueue& queue = queues_[u];
    waiting_[u] = queue.waiting(available);
    bool hold = false;
    if (unit == kLoad && queue.held()) {
      hold = stream_of(queue.oldest()).takes && !window_.available(registers_.stream_written());
    }
    held_back_[u] = queue.held() && !waiting_[u] && hold;
    starts_[u] = queue.held() && !waiting_[u] && !hold && !stop && ready[u];
    if (starts_[u]) {
      taken_tokens_ |= queue.oldest().wait_tokens();
      pins.trace_start_valid = static_cast<std::uint8_t>(pins.trace_start_valid | 1u << unit);
      pins.trace_start_index[unit] = queue.oldest().index;
    }
    if (completions_[u].valid) {
      given_tokens_ |= completions_[u].signal_tokens;
      pins.trace_end_valid = static_cast<std::uint8_t>(pins.trace_end_valid | 1u << unit);
      pins.trace_end_index[unit] = completions_[u].index;
    }
    in.queues_ready |= queue.ready() ? 1u << unit : 0;
    in.units_idle = in.units_idle && idle_[u] && queue.empty();
  }
  lost_tokens_ = given_tokens_ == 0 ? 0 : tokens_.overflow(taken_tokens_, given_tokens_);

  in.enable = registers_.enable();
  in.stop = stop;
  in.ring_base = registers_.ring_base();
  in.ring_entries = registers_.ring_entries();
  in.ring_tail = registers_.ring_tail();
  in.ring_long = registers_.ring_long();
  in.ring_odd = registers_.ring_odd();
  in.memory_limit = registers_.limits().memory_limit;
  processor_.look(cycle_, in);
  pins.trace_issue_valid = processor_.issued();
  pins.trace_issue_index = processor_.head();
}

void Device::look_at_faults(Registers::Inputs& inputs) const {
  const auto lost = [&](int unit) { return (lost_tokens_ >> 4 * unit & 0xfu) != 0; };
  inputs.faults = {
      processor_.fault(),
      fault_of(load_.fault(), load_.local_range(), load_.local_line(), lost(kLoad)),
      fault_of({}, array_.local_range(), array_.local_line(), lost(kArray)),
      fault_of(vector_.fault(), vector_.local_range(), vector_.local_line(), lost(kVector)),
      fault_of(store_.fault(), store_.local_range(), store_.local_range() ? store_.local_line() : 0,
               lost(kStore))};
  // The load and the store unit hold several commands; one of them has the fault. A token too many
  // is of the one that is complete.
  inputs.fault_indices = inputs.indices;
  for (int unit = 0; unit < kQueues; ++unit) {
    const auto u = static_cast<std::size_t>(unit);
    if (lost(unit)) inputs.fault_indices[u + 1] = completions_[u].index;
  }
  if (load_.fault().valid() || load_.local_range())
    inputs.fault_indices[1 + kLoad] = load_.fault_index();
  if (store_.fault().valid() || store_.local_range())
    inputs.fault_indices[1 + kStore] = store_.fault_index();
}

// What the registers see of the cycle, after everything else has looked.
Registers::Inputs Device::look_at_units() const {
  Registers::Inputs inputs;
  inputs.ring_head = processor_.head();
  inputs.stream_released = window_.released();
  inputs.activities = {processor_.activity(), load_.activity(), array_.activity(),
                       vector_.activity(), store_.activity()};
  inputs.waiting[0] = processor_.buffered();
  inputs.indices = {processor_.head(), load_.current_index(), array_.current_index(),
                    vector_.current_index(), store_.current_index()};
  inputs.completed[0] = processor_.completed();
  for (std::size_t u = 0; u < kQueues; ++u) {
    if (idle_[u]) {
      if (waiting_[u]) inputs.activities[u + 1] = Activity::kWaitToken;
      if (held_back_[u]) inputs.activities[u + 1] = Activity::kWaitHost;
      if (!queues_[u].empty() && !queues_[u].held()) inputs.activities[u + 1] = Activity::kLatency;
      inputs.indices[u + 1] = queues_[u].held() ? queues_[u].oldest().index : 0;
    }
    inputs.waiting[u + 1] = queues_[u].count();
    inputs.completed[u + 1] = completions_[u].valid;
    inputs.units_idle = inputs.units_idle && idle_[u];
    inputs.queues_empty = inputs.queues_empty && queues_[u].empty();
  }
  inputs.command_idle = processor_.idle();
  inputs.halt_done = processor_.halt_done();
  inputs.in_program = processor_.in_program();
  look_at_faults(inputs);
  return inputs;
}

// The memory of the queues has one read port: one of them fetches its oldest command, the first one
// that wants to.
bool Device::step_queues(int dispatched, const QueuedCommand& command) {
  bool changed = false, taken = false;
  for (std::size_t u = 0; u < kQueues; ++u) {
    const bool fetches = !taken && queues_[u].wants();
    taken = taken || fetches;
    const bool pushed = static_cast<int>(u) == dispatched;
    changed |= queues_[u].step(pushed ? &command : nullptr, starts_[u], fetches);
  }
  return changed;
}

void Device::evaluate(Cycle cycle, Femtoseconds edge, MachinePins& pins) {
  if (cycle > cycle_ + 1) skip(cycle - cycle_ - 1);
  cycle_ = cycle;
  const bool stop = registers_.stop();
  port_.look(cycle, edge);
  load_.look(stop, port_.read_beat());
  array_.look(cycle, stop);
  vector_.look(cycle, stop);
  store_.look(stop, port_);
  look_at_commands(pins);
  arbiter_.look(processor_.ar(), load_.ar(), port_.ar_ready());

  const Registers::Inputs inputs = look_at_units();
  if (registers_.reads_counter()) synchronise(cycle);
  registers_.look(inputs, pins);

  // The end of the cycle.
  Counters& counters = registers_.counters();
  const DmaLimits limits = registers_.limits();
  const int dispatched = processor_.dispatched();
  const QueuedCommand dispatched_command = dispatched >= 0 ? processor_.command() : QueuedCommand{};
  const AxiAddress ar = arbiter_.offered(), aw = store_.aw();
  const bool w_valid = store_.w_valid(), w_last = store_.w_last();
  if (store_.w_take() && w_last) store_.fill(port_.filling());

  bool changed = processor_.step(arbiter_.fetch_ready(), port_.read_beat(), counters);
  const auto started = [&](int unit) {
    const auto u = static_cast<std::size_t>(unit);
    return starts_[u] ? &queues_[u].oldest() : nullptr;
  };
  changed |= load_.step(started(kLoad), arbiter_.load_ready(), limits, counters);
  changed |= array_.step(started(kArray), counters);
  changed |= vector_.step(started(kVector), registers_.counting(), counters);
  changed |= store_.step(started(kStore), limits, counters);
  for (std::size_t u = 0; u < kQueues; ++u) {
    if (u == kLoad && completions_[u].valid) window_.complete();
    if (!starts_[u]) continue;
    if (u == kLoad) {
      const Stream stream = stream_of(queues_[u].oldest());
      window_.start(stream.takes, stream.releases);
    }
  }
  changed |= step_queues(dispatched, dispatched_command);
  if ((taken_tokens_ | given_tokens_) != 0) tokens_.step(taken_tokens_, given_tokens_);
  arbiter_.step();
  changed |= port_.step(ar, aw, w_valid, w_last);
  if (registers_.soft_reset()) reset();
  changed |= registers_.step(pins);
  if (registers_.clear_due()) {
    synchronise(cycle + 1);
    registers_.counters().clear();
  }

  if (changed || (port_.stalling() && (!port_.regular() || ar.valid || aw.valid))) {
    next_ = cycle + 1;
    return;
  }
  next_ = std::min({processor_.next(cycle), port_.next(cycle), load_.next(cycle),
                    array_.next(cycle), vector_.next(cycle), store_.next(cycle)});
  if (next_ <= cycle) throw MachineError("the cycle model waits for a cycle that is over");
}

}  // namespace corank::cycle_model
