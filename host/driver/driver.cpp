#include "host/driver/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/program/fed_integers.h"

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

bool is_streamed(const CompiledStep& step, ValueId id) {
  return step.plan.streamed[static_cast<std::size_t>(id)];
}

// The given values that lie in device memory: those that are fed, or the others. Constants lie in
// the programs that read them.
std::vector<ValueId> uploaded_values(const CompiledStep& step, const Graph& graph, bool fed) {
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    const Value& value = graph.value(id);
    if (is_computed(value) || value.role == Role::kConstants || is_streamed(step, id)) continue;
    if (is_fed(value) == fed) ids.push_back(id);
  }
  return ids;
}

}  // namespace

class DeviceSession::Driver {
 public:
  Driver(HostPort& host, const CompiledStep& step, const TrainingProgram& program,
         const DriverOptions& options)
      : host_(host), step_(step), graph_(program.graph), options_(options) {}

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

  // What is given once.
  void load(const TensorMap& values, const QuantizedMap& packed) {
    values_ = &values;
    packed_ = &packed;
    if (options_.values) {  // or it throws now
      for (const StreamTile& tile : step_.tiles)
        if (!tile.packed) tensor_of(tile.value, values);
      check_packed();
    }
    upload(uploaded_values(step_, graph_, false), values);
    upload_constants();
    upload_tables();
    set_registers();
  }

  // All that the device needs before the first doorbell of a step, and both rings full. The step
  // begins when memory has it: it must not share the memory with what was sent before.
  void begin(const TensorMap& feeds) {
    first_command_ += written_;
    first_tile_ += sent_;
    written_ = sent_ = 0;
    if (options_.values) check_fed_integers(graph_, feeds);
    upload(uploaded_values(step_, graph_, true), feeds);
    send_programs(feeds);
    host_.write_register(kRegControl, kEnable);
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
      // In turn, so that neither waits long for the other: a tile takes long on a slow link, and
      // the device must not run out of commands meanwhile.
      if (sent_ < tiles_end(released)) {
        send_tile();
        refresh(head, released);
      }
      const bool few = written_ - head < step_.ring_entries / 2;
      const std::uint64_t end = std::min({commands, head + step_.ring_entries,
                                          written_ + (few ? step_.ring_entries : kCommandsAtOnce)});
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

  TensorMap download(const std::vector<ValueId>& ids) {
    TensorMap results;
    for (const ValueId id : ids) {
      const Value& value = graph_.value(id);
      const TensorLayout& layout = step_.plan.layouts[static_cast<std::size_t>(id)];
      std::vector<std::uint8_t> bytes = host_.read_memory(layout.address, layout.bytes());
      if (options_.values) results[value.name] = unpack(bytes, layout, value.dtype, value.shape);
    }
    return results;
  }

  // What has been counted since the last call.
  DeviceCounters counters() {
    DeviceCounters counters{};
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const auto offset = kRegCounters + static_cast<std::uint32_t>(8 * i);
      const std::uint64_t low = host_.read_register(offset);
      const std::uint64_t high = host_.read_register(offset + 4);
      const std::uint64_t before = std::exchange(counters_[i], low | high << 32);
      counters[i] = counters_[i] - before;
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

  static constexpr std::int64_t kLongPollCycles = 8000;
  static constexpr std::int64_t kSliceCycles = 50000;    // between two looks at whether to stop
  static constexpr std::uint64_t kCommandsAtOnce = 512;  // 32 KiB: few packets between two tiles

  const Tensor& tensor_of(ValueId id, const TensorMap& tensors) const {
    const Value& value = graph_.value(id);
    const auto input = tensors.find(value.name);
    if (input == tensors.end())
      throw InputError("the step's input \"" + value.name + "\" is missing");
    if (input->second.dtype != value.dtype ||
        element_count(input->second.shape) != element_count(value.shape)) {
      throw InputError(fmt::format("the step's input \"{}\": expected {} {}, found {} {}",
                                   value.name, name_of(value.dtype), to_string(value.shape),
                                   name_of(input->second.dtype), to_string(input->second.shape)));
    }
    return input->second;
  }

  const QuantizedTensor& packed_of(ValueId id) const {
    const Value& value = graph_.value(id);
    const auto input = packed_->find(value.name);
    if (input == packed_->end())
      throw InputError("the packed weight \"" + value.name + "\" is missing");
    return input->second;
  }

  // That they are what the commands were made for.
  void check_packed() const {
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      const std::optional<PackedPlace>& weight = step_.plan.packed[id];
      if (!weight) continue;
      const Value& value = graph_.values[id];
      const QuantizedTensor& tensor = packed_of(static_cast<ValueId>(id));
      const std::string what = "the packed weight \"" + value.name + "\"";
      if (!(tensor.format == *value.storage) || tensor.shape != value.shape)
        throw InputError(fmt::format("{}: expected {} {}, found {} {}", what,
                                     to_string(*value.storage), to_string(value.shape),
                                     to_string(tensor.format), to_string(tensor.shape)));
      check(tensor, what);
      if (weight->nested_bytes == 0) continue;
      if (bits_of(tensor.offset) != weight->layout.fields.offset ||
          tensor.nested_map != packed_of(weight->map_of).nested_map)
        throw InputError(what +
                         ": expected the map and the offset of scales that the step was "
                         "compiled for, found others");
    }
  }

  // Of packed weights, streamed ones too.
  void upload_tables() {
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const std::optional<PackedPlace>& weight = step_.plan.packed[i];
      if (!weight || weight->nested_bytes == 0) continue;
      const auto id = static_cast<ValueId>(i);
      const bool has_map = weight->map_of == id;
      if (options_.values) {
        const QuantizedTensor& tensor = packed_of(id);
        host_.write_memory(weight->nested_address, pack_table(tensor.nested_scales));
        if (has_map) host_.write_memory(weight->map_address, pack_table(tensor.nested_map));
      } else {
        host_.write_nothing(weight->nested_address, weight->nested_bytes);
        if (has_map) host_.write_nothing(weight->map_address, kScaleMapBytes);
      }
    }
  }

  // Indices say where a gather reads: without values, too, they are those that are given.
  bool is_index(ValueId id, const TensorMap& tensors) const {
    const Value& value = graph_.value(id);
    return value.dtype == DType::I64 && tensors.count(value.name) > 0;
  }

  void upload(const std::vector<ValueId>& ids, const TensorMap& tensors) {
    for (const ValueId id : ids) {
      const auto place = static_cast<std::size_t>(id);
      const TensorLayout& layout = step_.plan.layouts[place];
      const std::optional<PackedPlace>& weight = step_.plan.packed[place];
      if (options_.values && weight) {
        host_.write_memory(layout.address, pack(packed_of(id), weight->layout));
      } else if (options_.values || is_index(id, tensors)) {
        host_.write_memory(layout.address, pack(tensor_of(id, tensors), layout));
      } else {
        host_.write_nothing(layout.address, step_.plan.bytes_of(place));
      }
    }
  }

  // What the plan needs beside the graph's values.
  void upload_constants() {
    const Plan& plan = step_.plan;
    for (std::size_t i = 0; i < plan.extras.size(); ++i) {
      const TensorLayout& layout = plan.layouts[graph_.values.size() + i];
      if (!plan.extras[i].contents.empty())
        host_.write_memory(layout.address, pack(plan.extras[i].contents, layout));
    }
  }

  // The vector programs, with the constants that are fed in their places. Without values they have
  // any.
  void send_programs(const TensorMap& feeds) {
    if (step_.instructions.empty()) return;
    std::vector<std::uint64_t> instructions = step_.instructions;
    for (const FedImmediate& fed : step_.fed) {
      if (options_.values)
        set_immediate(instructions[fed.instruction], word_of(fed, tensor_of(fed.value, feeds)));
    }
    host_.write_memory(step_.program_address, as_bytes(instructions.data(), instructions.size()));
  }

  // How far the device has emptied the rings; whether it went on since the last look.
  bool refresh(std::uint64_t& head, std::uint64_t& released) {
    const std::uint64_t now_head = in_step(host_.read_register(kRegRingHead), first_command_);
    const std::uint64_t now_released =
        step_.tiles.empty() ? 0 : in_step(host_.read_register(kRegStreamReleased), first_tile_);
    const bool moved = now_head != head || now_released != released;
    head = now_head;
    released = now_released;
    return moved;
  }

  // The registers count over all steps, in 32 bits.
  static std::uint64_t in_step(std::uint32_t count, std::uint64_t before) {
    return count - static_cast<std::uint32_t>(before);
  }

  void write_address(std::uint32_t low_offset, std::uint64_t address) {
    host_.write_register(low_offset, static_cast<std::uint32_t>(address));
    host_.write_register(low_offset + 4, static_cast<std::uint32_t>(address >> 32));
  }

  // The next commands, up to `end`, to their places in the ring, in one or (around its end) two
  // pieces.
  void write_commands(std::uint64_t end) {
    while (written_ < end) {
      const std::uint64_t place = (first_command_ + written_) % step_.ring_entries;
      const std::uint64_t count = std::min(end - written_, step_.ring_entries - place);
      std::vector<CommandWords> words;
      for (std::uint64_t i = 0; i < count; ++i) words.push_back(step_.commands[written_ + i].words);
      host_.write_memory(step_.ring_address + place * sizeof(CommandWords),
                         as_bytes(words.data(), words.size()));
      written_ += count;
    }
  }

  void ring_doorbell() {
    host_.write_register(kRegRingTail, static_cast<std::uint32_t>(first_command_ + written_));
    doorbells_.push_back({host_.now_ns(), written_});
  }

  void send_tile() {
    const StreamTile& tile = step_.tiles[sent_++];
    if (!options_.values) {
      host_.write_nothing(tile.layout.address, tile.bytes());
    } else if (tile.packed) {
      host_.write_memory(tile.layout.address,
                         pack(packed_of(tile.value), *tile.packed, tile.row, tile.column));
    } else {
      host_.write_memory(tile.layout.address,
                         pack(tensor_of(tile.value, *values_), tile.layout, tile.row, tile.column));
    }
    host_.write_register(kRegStreamWritten, static_cast<std::uint32_t>(first_tile_ + sent_));
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
      const std::uint64_t index =
          in_step(host_.read_register(kRegUnitCommandCommand + 4 * unit), first_command_);
      const std::uint32_t activity = state & 0xf;
      text += fmt::format("\n  {:<8} {:<12} {} commands waiting, at {}", kUnitNames[unit],
                          activity < kActivityNames.size() ? kActivityNames[activity] : "?",
                          state >> 8 & 0xff, describe_command(step_, graph_, index));
    }
    reset();
    throw MachineError(text);
  }

  // What the device says where something is: an address, but of an index that.
  static std::string fault_place(std::uint32_t cause, std::uint64_t address) {
    if (cause == static_cast<std::uint32_t>(Fault::kIndexRange))
      return fmt::format("index or place {}", address);
    return fmt::format("address {:#x}", address);
  }

  [[noreturn]] void throw_fault() {
    const std::uint32_t fault = host_.read_register(kRegFault);
    const std::uint32_t cause = fault >> kFaultCauseLsb & 0xff, unit = fault >> kFaultUnitLsb & 0xf;
    const std::uint64_t index = in_step(host_.read_register(kRegFaultCommand), first_command_);
    const std::uint64_t address =
        host_.read_register(kRegFaultAddressLo) |
        static_cast<std::uint64_t>(host_.read_register(kRegFaultAddressHi)) << 32;
    reset();
    throw MachineError(
        fmt::format("the device stopped: {} ({}) in the {} unit at {}, {}",
                    cause < kFaultNames.size() ? kFaultNames[cause] : "unknown fault",
                    cause < kFaultTexts.size() ? kFaultTexts[cause] : "",
                    unit < kUnitNames.size() ? kUnitNames[unit] : "?",
                    describe_command(step_, graph_, index), fault_place(cause, address)));
  }

  HostPort& host_;
  const CompiledStep& step_;
  const Graph& graph_;
  const DriverOptions options_;
  const TensorMap* values_ = nullptr;                 // streamed weights among them
  const QuantizedMap* packed_ = nullptr;              // the same
  std::uint64_t first_command_ = 0, first_tile_ = 0;  // of the step, over all steps
  std::uint64_t written_ = 0;                         // commands of the step
  std::uint64_t sent_ = 0;                            // tiles of the step
  DeviceCounters counters_{};                         // when they were read last
  std::vector<Doorbell> doorbells_;
  std::optional<std::uint32_t> progress_;  // at the last look
  std::uint64_t answers_ = 0;              // of the memory, at the last look
  std::int64_t quiet_cycles_ = 0;
};

DeviceSession::DeviceSession(HostPort& host, const CompiledStep& step,
                             const TrainingProgram& program, const DriverOptions& options)
    : host_(host), driver_(std::make_unique<Driver>(host, step, program, options)) {}

DeviceSession::~DeviceSession() = default;

double DeviceSession::load(const MachineShape& machine, const TensorMap& values,
                           const QuantizedMap& packed) {
  const double start = host_.now_ns();
  driver_->check_machine(machine);
  driver_->load(values, packed);
  return host_.now_ns() - start;
}

StepResult DeviceSession::step(const TensorMap& feeds, const std::vector<ValueId>& asked) {
  StepResult result;
  const double start = host_.now_ns();
  driver_->begin(feeds);
  const double uploaded = host_.now_ns();
  host_.take_snapshot();
  result.stopped = !driver_->execute();
  const double done = host_.now_ns();
  host_.take_snapshot();
  result.doorbells = driver_->take_doorbells();
  if (!result.stopped) result.results = driver_->download(asked);
  const double downloaded = host_.now_ns();
  host_.take_snapshot();
  if (!result.stopped) result.counters = driver_->counters();
  result.upload_ns = uploaded - start;
  result.step_ns = done - uploaded;
  result.download_ns = downloaded - done;
  return result;
}

TensorMap DeviceSession::read(const std::vector<ValueId>& ids) { return driver_->download(ids); }

void DeviceSession::reset() { driver_->reset(); }

std::vector<ValueId> results_of(const TrainingProgram& program) {
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < static_cast<ValueId>(program.graph.values.size()); ++id) {
    if (program.graph.value(id).role == Role::kResult) ids.push_back(id);
  }
  return ids;
}

StepResult run_step(HostPort& host, const CompiledStep& step, const TrainingProgram& program,
                    const MachineShape& machine, const TensorMap& inputs,
                    const DriverOptions& options, const QuantizedMap& packed) {
  DeviceSession session(host, step, program, options);
  const double load_ns = session.load(machine, inputs, packed);
  StepResult result = session.step(inputs, results_of(program));
  result.upload_ns += load_ns;
  if (!result.stopped) session.reset();
  return result;
}

StepSnapshots snapshots_of_step(const std::vector<PlatformSnapshot>& snapshots, std::size_t steps,
                                std::size_t step) {
  const std::size_t after = snapshots.size() - 3 * (steps - step) + 1;
  return {snapshots.at(step == 0 ? 0 : after - 1), snapshots.at(after), snapshots.at(after + 1)};
}

LinkBytes& LinkBytes::operator+=(const LinkBytes& other) {
  loaded += other.loaded;
  fed += other.fed;
  programs += other.programs;
  commands += other.commands;
  streamed += other.streamed;
  asked += other.asked;
  return *this;
}

UploadPieces upload_pieces(const CompiledStep& step, const Graph& graph) {
  UploadPieces pieces;
  const auto bytes_of = [&](ValueId id) {
    return step.plan.bytes_of(static_cast<std::size_t>(id));
  };
  for (const ValueId id : uploaded_values(step, graph, false))
    pieces.loaded.push_back(bytes_of(id));
  for (std::size_t i = 0; i < step.plan.extras.size(); ++i)
    if (!step.plan.extras[i].contents.empty())
      pieces.loaded.push_back(step.plan.layouts[graph.values.size() + i].bytes());
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const std::optional<PackedPlace>& weight = step.plan.packed[i];
    if (!weight || weight->nested_bytes == 0) continue;
    pieces.loaded.push_back(weight->nested_bytes);
    if (weight->map_of == static_cast<ValueId>(i)) pieces.loaded.push_back(kScaleMapBytes);
  }
  for (const ValueId id : uploaded_values(step, graph, true)) pieces.fed.push_back(bytes_of(id));
  return pieces;
}

LinkBytes expected_link_bytes(const CompiledStep& step, const TrainingProgram& program,
                              const std::vector<ValueId>& asked) {
  LinkBytes bytes;
  const UploadPieces pieces = upload_pieces(step, program.graph);
  const auto sum_of = [](const std::vector<std::uint64_t>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  };
  bytes.loaded = sum_of(pieces.loaded);
  bytes.fed = sum_of(pieces.fed);
  bytes.programs = step.instructions.size() * sizeof(std::uint64_t);
  bytes.commands = step.commands.size() * sizeof(CommandWords);
  for (const StreamTile& tile : step.tiles) bytes.streamed += tile.bytes();
  for (const ValueId id : asked) bytes.asked += step.plan.bytes_of(static_cast<std::size_t>(id));
  return bytes;
}

}  // namespace corank
