#include "host/driver/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "models/base/error.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::uint32_t kEnable = 1u << kControlEnableLsb;
constexpr std::uint32_t kReset = 1u << kControlResetLsb;
constexpr std::uint32_t kClearCounters = 1u << kControlClearCountersLsb;
constexpr std::uint32_t kDone = 1u << kInterruptStatusDoneLsb;
constexpr std::uint32_t kFaulted = 1u << kInterruptStatusFaultLsb;

template <class T>
std::vector<std::uint8_t> as_bytes(const T* data, std::size_t count) {
  std::vector<std::uint8_t> bytes(count * sizeof(T));
  std::memcpy(bytes.data(), data, bytes.size());
  return bytes;
}

// Values that the host must provide before the step: those that no op writes and that are not
// streamed.
std::vector<ValueId> uploaded_values(const CompiledStep& step, const Graph& graph) {
  std::set<ValueId> written;
  for (const StreamTile& tile : step.tiles) written.insert(tile.value);
  for (const Op& op : graph.ops) {
    for (const ValueId id : results_of(op)) written.insert(id);
  }
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    if (written.count(id) == 0) ids.push_back(id);
  }
  return ids;
}

std::vector<ValueId> downloaded_values(const Graph& graph) {
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    if (graph.value(id).role == Role::kResult) ids.push_back(id);
  }
  return ids;
}

class Driver {
 public:
  Driver(HostPort& host, const CompiledStep& step, const Graph& graph, const TensorMap& inputs,
         const DriverOptions& options)
      : host_(host), step_(step), graph_(graph), inputs_(inputs), options_(options) {}

  void check_machine(const MachineShape& machine) {
    for (const MachineRegister& built : kMachineRegisters) {
      if (!built.in_programs) continue;
      const std::uint32_t found = host_.read_register(built.offset);
      const std::uint32_t expected = built.value(machine);
      if (found != expected)
        throw MachineError(fmt::format("the device's register {} reads {:#010x}, expected {:#010x}",
                                       built.name, found, expected));
    }
  }

  // All that the device needs before its first doorbell, and both rings full. The step begins when
  // memory has it: it must not share the memory with what was sent before.
  void upload() {
    for (const StreamTile& tile : step_.tiles) {
      if (options_.values) input_of(tile.value);  // a missing one is found now
    }
    for (const ValueId id : uploaded_values(step_, graph_)) {
      const TensorLayout& layout = step_.plan.layouts[static_cast<std::size_t>(id)];
      if (options_.values) {
        host_.write_memory(layout.address, pack(input_of(id), layout));
      } else {
        host_.write_nothing(layout.address, layout.bytes());
      }
    }
    if (!step_.instructions.empty()) {
      host_.write_memory(step_.program_address,
                         as_bytes(step_.instructions.data(), step_.instructions.size()));
    }
    set_registers();
    write_commands(std::min<std::uint64_t>(step_.commands.size(), step_.ring_entries));
    while (sent_ < tiles_end(0)) send_tile();
    host_.flush();
  }

  void set_registers() {
    host_.write_register(kRegControl, kClearCounters);
    write_address(kRegRingBaseLo, step_.ring_address);
    host_.write_register(kRegRingEntries, static_cast<std::uint32_t>(step_.ring_entries));
    write_address(kRegMemoryLimitLo, options_.memory_size_bytes);
    host_.write_register(kRegBurstLimits,
                         static_cast<std::uint32_t>(options_.limits.outstanding_bursts)
                                 << kBurstLimitsOutstandingLsb |
                             static_cast<std::uint32_t>(options_.limits.burst_beats)
                                 << kBurstLimitsBeatsLsb);
    host_.write_register(kRegInterruptStatus, kDone | kFaulted);
    host_.write_register(kRegInterruptEnable, kDone | kFaulted);
    host_.write_register(kRegControl, kEnable);
  }

  // Rings the first doorbell, and keeps both rings full, that of the commands and that of the
  // streamed weights, until everything is in them; then waits for the interrupt.
  // False: given up.
  bool execute() {
    const std::uint64_t commands = step_.commands.size(), tiles = step_.tiles.size();
    std::uint64_t head = 0, released = 0;
    bool interrupted = false;
    ring_doorbell();
    while ((written_ < commands || sent_ < tiles) && !interrupted) {
      if (stop()) return false;
      // In turn, so that neither waits long for the other.
      if (sent_ < tiles_end(released)) send_tile();
      const std::uint64_t end =
          std::min({commands, head + step_.ring_entries, written_ + kCommandsAtOnce});
      if (end > written_) {
        write_commands(end);
        ring_doorbell();
      }
      if (written_ + kCommandsAtOnce > head + step_.ring_entries ||
          sent_ == released + step_.tile_ring_places)
        refresh(head, released);
      const bool room =
          written_ < std::min(commands, head + step_.ring_entries) || sent_ < tiles_end(released);
      if (room || (written_ == commands && sent_ == tiles)) continue;
      // A fault meanwhile shows in the interrupt; otherwise wait a little for space, longer where
      // half a ring of commands is in front of the device and no tile has to be sent.
      const bool plenty = sent_ == tiles && written_ - head > step_.ring_entries / 2;
      const std::int64_t wait = plenty ? kLongPollCycles : kRefillPollCycles;
      interrupted = host_.wait_interrupt(wait);
      if (!interrupted && !refresh(head, released)) check_progress(wait);
    }
    std::int64_t waited = 0;
    while (!interrupted) {
      if (stop()) return false;
      const std::int64_t slice = std::min(options_.watchdog_cycles, kSliceCycles);
      interrupted = host_.wait_interrupt(slice);
      waited += slice;
      if (interrupted || waited < options_.watchdog_cycles) continue;
      check_progress(waited);
      waited = 0;
    }
    const std::uint32_t status = host_.read_register(kRegInterruptStatus);
    if (status & kFaulted) throw_fault();
    host_.write_register(kRegInterruptStatus, kDone);
    host_.write_register(kRegControl, 0);
    return true;
  }

  std::vector<Doorbell> take_doorbells() { return std::move(doorbells_); }

  bool stop() const { return options_.stop && options_.stop(); }

  TensorMap download() {
    TensorMap results;
    for (const ValueId id : downloaded_values(graph_)) {
      const Value& value = graph_.value(id);
      const TensorLayout& layout = step_.plan.layouts[static_cast<std::size_t>(id)];
      std::vector<std::uint8_t> bytes = host_.read_memory(layout.address, layout.bytes());
      if (options_.values) results[value.name] = unpack(bytes, layout, value.shape);
    }
    return results;
  }

  DeviceCounters counters() {
    DeviceCounters counters{};
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const auto offset = kRegCounters + static_cast<std::uint32_t>(8 * i);
      const std::uint64_t low = host_.read_register(offset);
      counters[i] = low | static_cast<std::uint64_t>(host_.read_register(offset + 4)) << 32;
    }
    return counters;
  }

  // Back to the state after power-on, so that the next step starts at command 0. The device first
  // finishes what is in flight; if its memory never answers it cannot, and the wait is given up.
  void reset() {
    host_.write_register(kRegControl, kReset);
    const std::int64_t end = host_.cycles() + options_.watchdog_cycles;
    while ((host_.read_register(kRegControl) & kReset) != 0 && host_.cycles() < end) {
    }
  }

 private:
  // How many tiles the device can have been sent, now that it has released so many.
  std::uint64_t tiles_end(std::uint64_t released) const {
    return std::min<std::uint64_t>(step_.tiles.size(), released + step_.tile_ring_places);
  }

  static constexpr std::int64_t kRefillPollCycles = 2000;
  static constexpr std::int64_t kLongPollCycles = 8000;
  static constexpr std::int64_t kSliceCycles = 50000;    // between two looks at whether to stop
  static constexpr std::uint64_t kCommandsAtOnce = 512;  // 32 KiB: few packets between two tiles

  const Tensor& input_of(ValueId id) const {
    const Value& value = graph_.value(id);
    const auto input = inputs_.find(value.name);
    if (input == inputs_.end())
      throw InputError("the step's input \"" + value.name + "\" is missing");
    if (input->second.dtype != value.dtype ||
        element_count(input->second.shape) != element_count(value.shape)) {
      throw InputError(fmt::format("the step's input \"{}\": expected {} {}, found {} {}",
                                   value.name, name_of(value.dtype), to_string(value.shape),
                                   name_of(input->second.dtype), to_string(input->second.shape)));
    }
    return input->second;
  }

  // How far the device has emptied the rings; whether it went on since the last look.
  bool refresh(std::uint64_t& head, std::uint64_t& released) {
    const std::uint64_t now_head = host_.read_register(kRegRingHead);
    const std::uint64_t now_released =
        step_.tiles.empty() ? 0 : host_.read_register(kRegStreamReleased);
    const bool moved = now_head != head || now_released != released;
    head = now_head;
    released = now_released;
    return moved;
  }

  void write_address(std::uint32_t low_offset, std::uint64_t address) {
    host_.write_register(low_offset, static_cast<std::uint32_t>(address));
    host_.write_register(low_offset + 4, static_cast<std::uint32_t>(address >> 32));
  }

  // The next commands, up to `end`, to their places in the ring, in one or (around its end) two
  // pieces.
  void write_commands(std::uint64_t end) {
    while (written_ < end) {
      const std::uint64_t place = written_ % step_.ring_entries;
      const std::uint64_t count = std::min(end - written_, step_.ring_entries - place);
      std::vector<CommandWords> words;
      for (std::uint64_t i = 0; i < count; ++i) words.push_back(step_.commands[written_ + i].words);
      host_.write_memory(step_.ring_address + place * sizeof(CommandWords),
                         as_bytes(words.data(), words.size()));
      written_ += count;
    }
  }

  void ring_doorbell() {
    host_.write_register(kRegRingTail, static_cast<std::uint32_t>(written_));
    doorbells_.push_back({host_.now_ns(), written_});
  }

  void send_tile() {
    const StreamTile& tile = step_.tiles[sent_++];
    if (options_.values) {
      host_.write_memory(tile.layout.address,
                         pack(input_of(tile.value), tile.layout, tile.row, tile.column));
    } else {
      host_.write_nothing(tile.layout.address, tile.layout.bytes());
    }
    host_.write_register(kRegStreamWritten, static_cast<std::uint32_t>(sent_));
  }

  // The watchdog: no progress since the last look, and the waits add up to watchdog_cycles. A
  // device that waits for a memory at work does not stand still, however long that takes; nor does
  // one whose memory has answered since, though it has nothing to do just now.
  void check_progress(std::int64_t waited) {
    const std::uint32_t progress = host_.read_register(kRegProgress);
    const std::uint64_t answers = host_.memory_answers();
    const bool quiet = progress_ == progress && answers_ == answers && !host_.memory_at_work();
    quiet_cycles_ = quiet ? quiet_cycles_ + waited : 0;
    progress_ = progress;
    answers_ = answers;
    if (quiet_cycles_ < options_.watchdog_cycles) return;
    std::string text = fmt::format(
        "the device made no progress for {} cycles (watchdog_cycles); state of its units:",
        quiet_cycles_);
    for (std::uint32_t unit = 0; unit < kUnitNames.size(); ++unit) {
      const std::uint32_t state = host_.read_register(kRegUnitStateCommand + 4 * unit);
      const std::uint32_t index = host_.read_register(kRegUnitCommandCommand + 4 * unit);
      const std::uint32_t activity = state & 0xf;
      text += fmt::format("\n  {:<8} {:<12} {} commands waiting, at {}", kUnitNames[unit],
                          activity < kActivityNames.size() ? kActivityNames[activity] : "?",
                          state >> 8 & 0xff, describe_command(step_, graph_, index));
    }
    reset();
    throw MachineError(text);
  }

  [[noreturn]] void throw_fault() {
    const std::uint32_t fault = host_.read_register(kRegFault);
    const std::uint32_t cause = fault >> kFaultCauseLsb & 0xff, unit = fault >> kFaultUnitLsb & 0xf;
    const std::uint32_t index = host_.read_register(kRegFaultCommand);
    const std::uint64_t address =
        host_.read_register(kRegFaultAddressLo) |
        static_cast<std::uint64_t>(host_.read_register(kRegFaultAddressHi)) << 32;
    reset();
    throw MachineError(
        fmt::format("the device stopped: {} ({}) in the {} unit at {}, address {:#x}",
                    cause < kFaultNames.size() ? kFaultNames[cause] : "unknown fault",
                    cause < kFaultTexts.size() ? kFaultTexts[cause] : "",
                    unit < kUnitNames.size() ? kUnitNames[unit] : "?",
                    describe_command(step_, graph_, index), address));
  }

  HostPort& host_;
  const CompiledStep& step_;
  const Graph& graph_;
  const TensorMap& inputs_;
  const DriverOptions& options_;
  std::uint64_t written_ = 0;  // commands
  std::uint64_t sent_ = 0;     // tiles
  std::vector<Doorbell> doorbells_;
  std::optional<std::uint32_t> progress_;  // at the last look
  std::uint64_t answers_ = 0;              // of the memory, at the last look
  std::int64_t quiet_cycles_ = 0;
};

}  // namespace

StepResult run_step(HostPort& host, const CompiledStep& step, const Graph& graph,
                    const MachineShape& machine, const TensorMap& inputs,
                    const DriverOptions& options) {
  Driver driver(host, step, graph, inputs, options);
  StepResult result;
  const double start = host.now_ns();
  driver.check_machine(machine);
  driver.upload();
  const double uploaded = host.now_ns();
  host.take_snapshot();
  result.stopped = !driver.execute();
  const double done = host.now_ns();
  host.take_snapshot();
  result.doorbells = driver.take_doorbells();
  if (!result.stopped) result.results = driver.download();
  const double downloaded = host.now_ns();
  host.take_snapshot();
  result.counters = driver.counters();
  if (!result.stopped) driver.reset();
  result.upload_ns = uploaded - start;
  result.step_ns = done - uploaded;
  result.download_ns = downloaded - done;
  return result;
}

StepSnapshots snapshots_of_step(const std::vector<PlatformSnapshot>& snapshots) {
  return {snapshots.front(), snapshots.at(snapshots.size() - 2), snapshots.back()};
}

LinkBytes expected_link_bytes(const CompiledStep& step, const Graph& graph) {
  LinkBytes bytes;
  for (const StreamTile& tile : step.tiles) {
    bytes.streamed += tile.layout.bytes();
    bytes.to_device += tile.layout.bytes();
  }
  for (const ValueId id : uploaded_values(step, graph))
    bytes.to_device += step.plan.layouts[static_cast<std::size_t>(id)].bytes();
  for (const ValueId id : downloaded_values(graph))
    bytes.to_host += step.plan.layouts[static_cast<std::size_t>(id)].bytes();
  bytes.commands = step.commands.size() * sizeof(CommandWords);
  bytes.to_device += step.instructions.size() * sizeof(std::uint64_t) + bytes.commands;
  return bytes;
}

}  // namespace corank
