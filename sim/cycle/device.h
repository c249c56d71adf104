// The accelerator, cycle by cycle, but only those cycles in which something begins or ends.
#pragma once

#include <array>

#include "sim/cycle/array_unit.h"
#include "sim/cycle/axi_port.h"
#include "sim/cycle/command_processor.h"
#include "sim/cycle/command_queue.h"
#include "sim/cycle/load_unit.h"
#include "sim/cycle/local_memory.h"
#include "sim/cycle/read_arbiter.h"
#include "sim/cycle/registers.h"
#include "sim/cycle/store_unit.h"
#include "sim/cycle/stream_window.h"
#include "sim/cycle/token_file.h"
#include "sim/cycle/types.h"
#include "sim/cycle/vector_unit.h"
#include "sim/machine/pins.h"

namespace corank::cycle_model {

/// In every cycle that is evaluated the parts first look (what the cycle holds, from their state
/// and each other), then step (what its end changes), as flip-flops do. Where a step changed
/// something the next cycle is evaluated too; else nothing but counting happens until the earliest
/// of the times that the units, the port and the host have named.
class Device {
 public:
  Device(const MachineShape& shape, bool values, AxiPort& port);

  /// Evaluates `cycle`, later than the one before, whose edge is at `edge`. `pins`: the host's side
  /// of the AXI4-Lite port is given; its device's side, the interrupt and the trace are set.
  void evaluate(Cycle cycle, Femtoseconds edge, MachinePins& pins);
  /// The next cycle to evaluate if nothing comes from outside; kNever if nothing is on its way.
  Cycle next() const { return next_; }
  /// At the end of the cycle that was evaluated last.
  std::vector<std::uint64_t> counters() {
    synchronise(cycle_ + 1);
    return registers_.counters().all();
  }

 private:
  void skip(Cycle cycles);
  void look_at_commands(MachinePins& pins);
  void look_at_faults(Registers::Inputs& inputs) const;
  Registers::Inputs look_at_units() const;
  bool step_queues(int dispatched, const QueuedCommand& command);
  void synchronise(Cycle end);
  void reset();

  AxiPort& port_;
  LocalMemories local_;
  ProgramMemory program_;
  IndexMemory indices_;
  Registers registers_;
  CommandProcessor processor_;
  std::array<CommandQueue, kQueues> queues_;
  TokenFile tokens_;
  StreamWindow window_;
  ReadArbiter arbiter_;
  LoadUnit load_;
  ArrayUnit array_;
  VectorUnit vector_;
  StoreUnit store_;

  Cycle cycle_ = 0;
  Cycle next_ = kNever;

  // The present cycle, by queue.
  std::array<Completion, kQueues> completions_;
  std::array<bool, kQueues> idle_{}, starts_{}, held_back_{}, waiting_{};
  std::uint32_t taken_tokens_ = 0, given_tokens_ = 0, lost_tokens_ = 0;
};

}  // namespace corank::cycle_model
