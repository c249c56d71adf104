#include "sim/cycle/array_unit.h"

#include <algorithm>

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Counter;

// Cycles of [from, end) that lie in [begin, until).
std::uint64_t overlap(Cycle from, Cycle end, Cycle begin, Cycle until) {
  return static_cast<std::uint64_t>(
      std::max<Cycle>(0, std::min(end, until) - std::max(from, begin)));
}

// A matrix in a local memory (rtl/README.md).
struct Operand {
  std::uint64_t line, stride;
  bool transposed;
  std::uint64_t lanes;

  std::uint64_t line_of(std::uint64_t i, std::uint64_t j) const {
    const std::uint64_t across = transposed ? i : j, down = transposed ? j : i;
    return line + across / lanes * stride + down;
  }
  // Of `count` elements of a row from (i, j) on, within a panel.
  std::uint64_t last_line(std::uint64_t i, std::uint64_t j, std::uint64_t count) const {
    return line_of(i, j) + (transposed ? count - 1 : 0);
  }
};

}  // namespace

ArrayUnit::ArrayUnit(const MachineShape& shape, bool values, LocalMemories& local)
    : lanes_(memory_lanes(shape)), values_(values), local_(local), schedule_(shape) {}

void ArrayUnit::reset() {
  pending_.clear();
  passes_.clear();
  busy_.clear();
  schedule_.reset();
  halted_ = false;
  beyond_cycle_ = kNever;
}

void ArrayUnit::look(Cycle cycle, bool stop) {
  cycle_ = cycle;
  stop_before_ = stop_;
  stop_ = stop;
  halted_ = halted_ && stop;
  while (!busy_.empty() && busy_.front().end <= cycle) busy_.pop_front();
}

bool ArrayUnit::ready() const {
  // A command that completes in the next cycle has left its place already.
  const std::size_t left = !pending_.empty() && pending_.front().completion == cycle_ ? 1 : 0;
  return !stop_ && cycle_ >= schedule_.loaded() && pending_.size() - left < kPending;
}

Completion ArrayUnit::completion() const {
  if (halted_ || pending_.empty() || pending_.front().completion != cycle_) return {};
  return {true, pending_.front().index, pending_.front().signal_tokens};
}

// A read takes place in the cycle after its request.
bool ArrayUnit::local_range() const {
  const bool stopped = beyond_access_ == Access::kSumWrite ? stop_ : stop_before_;
  return !stopped && cycle_ == beyond_cycle_;
}

bool ArrayUnit::idle() const { return pending_.empty(); }

Activity ArrayUnit::activity() const {
  if (!stop_ && !busy_.empty() && busy_.front().from <= cycle_) return Activity::kBusy;
  return idle() ? Activity::kIdle : Activity::kLatency;
}

std::uint32_t ArrayUnit::current_index() const {
  return pending_.empty() ? 0 : pending_.front().index;
}

bool ArrayUnit::step(const QueuedCommand* command, Counters& counters) {
  const bool completes = completion().valid;
  if (completes) {
    synchronise(cycle_, counters);
    pending_.pop_front();
  }
  if (stop_) {
    if (!halted_) halt(counters);
    // What has not come to its completion leaves one by one.
    const bool leaves = !pending_.empty();
    if (leaves) pending_.pop_front();
    return completes || leaves;
  }
  if (command == nullptr) return completes;

  const interface::GemmCommand gemm = interface::decode_gemm(command->words);
  const std::size_t first = passes_.size();
  plan(gemm);
  pending_.push_back({command->index, command->signal_tokens(), cycle_, schedule_.loaded(),
                      schedule_.completion(), gemm.kind});
  find_beyond(gemm, first);
  if (values_ && beyond_cycle_ == kNever) kernel_.run(gemm, local_);
  return true;
}

void ArrayUnit::plan(const interface::GemmCommand& gemm) {
  schedule_.plan(gemm, cycle_, [&](const ArrayPass& pass) {
    const Cycle end = pass.start + pass.rows;
    if (!busy_.empty() && busy_.back().end == pass.start) {
      busy_.back().end = end;
    } else {
      busy_.push_back({pass.start, end});
    }
    passes_.push_back(pass);
  });
}

void ArrayUnit::synchronise(Cycle end, Counters& counters) {
  const Cycle from = counted_;
  counted_ = end;
  for (const ArrayPass& pass : passes_) {
    const auto within = [&](Cycle delay, Cycle count) {
      return overlap(pass.start + delay, pass.start + delay + count, from, end);
    };
    const auto depth = static_cast<std::uint64_t>(pass.depth);
    const auto columns = static_cast<std::uint64_t>(pass.columns);
    const std::uint64_t streamed = within(0, pass.rows);
    const std::uint64_t loaded = overlap(pass.load, pass.load + pass.depth, from, end);
    counters[static_cast<std::size_t>(Counter::kGemmSlots0) + pass.kind] +=
        overlap(pass.slots_from, pass.slots_end, from, end);
    counters[static_cast<std::size_t>(Counter::kGemmMacs0) + pass.kind] +=
        streamed * depth * columns;
    counters[Counter::kScratchpadReadBytes] += 2 * (streamed * depth + loaded * columns);
    if (!pass.from_zero) {
      counters[Counter::kAccumulatorReadBytes] += 4 * within(1, pass.rows) * columns;
    }
    counters[Counter::kAccumulatorWriteBytes] +=
        4 * within(schedule_.sum_latency(), pass.rows) * columns;
  }
  while (!passes_.empty() &&
         passes_.front().start + passes_.front().rows + schedule_.sum_latency() <= end &&
         passes_.front().slots_end <= end && passes_.front().load + passes_.front().depth <= end) {
    passes_.pop_front();
  }
}

Cycle ArrayUnit::next(Cycle cycle) const {
  Cycle next = schedule_.loaded() > cycle ? schedule_.loaded() : kNever;
  if (!pending_.empty()) next = std::min(next, pending_.front().completion);
  for (const Interval& busy : busy_) {
    if (busy.from > cycle) {
      next = std::min(next, busy.from);
      break;
    }
    if (busy.end > cycle) {
      next = std::min(next, busy.end);
      break;
    }
  }
  return beyond_cycle_ > cycle ? std::min(next, beyond_cycle_) : next;
}

// From the first cycle with stop on nothing is read, streamed or written; it still counts for the
// kind whose turn it would have been.
void ArrayUnit::halt(Counters& counters) {
  halted_ = true;
  synchronise(cycle_, counters);
  const auto waits = std::find_if(passes_.begin(), passes_.end(), [&](const ArrayPass& pass) {
    return pass.load < cycle_ && pass.start >= cycle_;
  });
  const auto streams = std::find_if(passes_.begin(), passes_.end(), [&](const ArrayPass& pass) {
    return pass.start < cycle_ && pass.start + pass.rows > cycle_;
  });
  const auto loads = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& command) {
    return command.accepted < cycle_ && command.loaded >= cycle_;
  });
  if (waits != passes_.end()) {
    const std::uint32_t kind = streams != passes_.end() ? streams->kind : waits->kind;
    ++counters[static_cast<std::size_t>(Counter::kGemmSlots0) + kind];
  } else if (loads != pending_.end()) {
    ++counters[static_cast<std::size_t>(Counter::kGemmSlots0) + loads->kind];
  }
  passes_.clear();
  busy_.clear();
}

void ArrayUnit::note_beyond(Cycle cycle, Access access, std::uint64_t line) {
  if (cycle > beyond_cycle_ || (cycle == beyond_cycle_ && access >= beyond_access_)) return;
  beyond_cycle_ = cycle;
  beyond_access_ = access;
  beyond_line_ = line;
}

// The first cycle in which an access beyond the end of a memory takes place, if the command has
// one.
void ArrayUnit::find_beyond(const interface::GemmCommand& gemm, std::size_t first_pass) {
  const auto lanes = static_cast<std::uint64_t>(lanes_);
  const Operand stream{gemm.stream_line, gemm.stream_stride, gemm.stream_transposed != 0, lanes};
  const Operand stationary{gemm.stationary_line, gemm.stationary_stride,
                           gemm.stationary_transposed != 0, lanes};
  const Operand sums{gemm.accumulator_line, gemm.accumulator_stride, false, lanes};
  const std::uint64_t lines = local_.scratchpad.lines(), sum_lines = local_.accumulator.lines();
  if (stream.line_of(gemm.rows - 1, gemm.depth - 1) < lines &&
      stationary.line_of(gemm.depth - 1, gemm.columns - 1) < lines &&
      sums.line_of(gemm.rows - 1, gemm.columns - 1) < sum_lines) {
    return;
  }

  std::uint64_t depth_done = 0, columns_done = 0;
  for (std::size_t i = first_pass; i < passes_.size(); ++i) {
    const ArrayPass& pass = passes_[i];
    const auto rows = static_cast<std::uint64_t>(pass.rows);
    const auto depth = static_cast<std::uint64_t>(pass.depth);
    const auto columns = static_cast<std::uint64_t>(pass.columns);
    for (std::uint64_t row = 0; row < rows; ++row) {
      const Cycle streamed = pass.start + static_cast<Cycle>(row);
      if (stream.last_line(row, depth_done, depth) >= lines) {
        note_beyond(streamed + 1, Access::kStream, stream.line_of(row, depth_done));
      }
      const std::uint64_t line = sums.line_of(row, columns_done);
      if (line < sum_lines) continue;
      if (!pass.from_zero) note_beyond(streamed + 2, Access::kSumRead, line);
      note_beyond(streamed + schedule_.sum_latency(), Access::kSumWrite, line);
    }
    for (std::uint64_t row = 0; row < depth; ++row) {
      if (stationary.last_line(depth_done + row, columns_done, columns) < lines) continue;
      note_beyond(pass.load + static_cast<Cycle>(row) + 1, Access::kStationary,
                  stationary.line_of(depth_done + row, columns_done));
    }
    columns_done += columns;
    if (columns_done == gemm.columns) {
      columns_done = 0;
      depth_done += depth;
    }
  }
}

}  // namespace corank::cycle_model
