#include "host/analytic/step_walk.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/compiler/packed_layout.h"
#include "host/driver/token_clocks.h"
#include "models/base/error.h"
#include "sim/cycle/array_schedule.h"
#include "sim/cycle/block.h"
#include "sim/cycle/burst_generator.h"
#include "sim/cycle/vector_program.h"
#include "sim/cycle/vector_schedule.h"

namespace corank {
namespace {

using namespace interface;
using cycle_model::Cycle;

constexpr Cycle kQueueLatency = 3;  // from dispatch to the earliest start, and from start to start
constexpr Cycle kFetchStep = 2;     // and its beats: from a command's dispatch to the next one's
constexpr std::size_t kPacked = 2;  // commands of packed weights in the load unit (LoadUnit)
constexpr std::uint64_t kRoom = kDecoderBeats - kDecoderBurstBeats;  // in it for another burst

std::size_t place_of(Engine unit) { return static_cast<std::size_t>(unit); }

/// The last times of something, the youngest last.
class Recent {
 public:
  explicit Recent(std::size_t kept) : kept_(kept), times_(kept, 0) {}
  void push(Cycle time) { times_[count_++ % kept_] = time; }
  /// Of the one `back` before the next one; `none` where there is none.
  Cycle before(std::size_t back, Cycle none) const {
    return count_ < back ? none : times_[(count_ - back) % kept_];
  }
  std::uint64_t count() const { return count_; }

 private:
  std::size_t kept_;
  std::vector<Cycle> times_;
  std::uint64_t count_ = 0;
};

/// MemoryBlocks of memory of a command, one after another: one of a load, one a row of a gather.
struct MemoryBlocks {
  std::uint64_t address = 0, panel_bytes = 0, panel_stride = 0, pitch = 0;
  std::uint32_t panels = 0;
  std::uint32_t left = 0;  // blocks
  Cycle interval = 0;      // from the first burst of a block to that of the next one, at least
};

/// What load and store unit have in common: bursts that are cut one after another.
class Cutter {
 public:
  Cutter(std::uint64_t beat_bytes, const WalkLimits& limits)
      : beat_bytes_(beat_bytes),
        bursts_(static_cast<int>(beat_bytes)),
        limits_{~std::uint64_t{0} >> 1, static_cast<std::uint32_t>(limits.outstanding),
                static_cast<std::uint32_t>(limits.burst_beats)},
        answered_(static_cast<std::size_t>(limits.outstanding)) {}

  bool busy() const { return bursts_.busy(); }
  // No burst before `first`.
  void take(const MemoryBlocks& blocks, Cycle first, std::uint32_t most_beats) {
    blocks_ = blocks;
    limits_.burst_beats = most_beats;
    next_block(first);
  }
  cycle_model::Cut burst() const { return bursts_.look(true, 0, limits_); }
  /// The cycle in which the burst at hand is cut.
  Cycle cut() const {
    const std::size_t most = limits_.outstanding;
    return std::max({first_, last_cut_ + 1, answered_.before(most, -1) + 1});
  }
  /// Whether it was the command's last one.
  bool taken(Cycle cut, std::uint64_t beats, Cycle answered) {
    last_cut_ = cut;
    answered_.push(answered);
    bursts_.take_burst(beats);
    if (bursts_.busy()) return false;
    if (blocks_.left == 0) return true;
    next_block(std::max(cut + 2, block_first_ + blocks_.interval));
    return false;
  }
  Cycle last_cut() const { return last_cut_; }

 private:
  void next_block(Cycle first) {
    first_ = block_first_ = first;
    bursts_.take_block(blocks_.address, blocks_.panel_bytes, blocks_.panels,
                       static_cast<std::uint32_t>(blocks_.panel_stride));
    blocks_.address += blocks_.pitch;
    --blocks_.left;
  }

  std::uint64_t beat_bytes_;
  cycle_model::BurstGenerator bursts_;
  cycle_model::DmaLimits limits_;
  Recent answered_;
  MemoryBlocks blocks_;
  Cycle first_ = 0, block_first_ = 0, last_cut_ = -1;
};

template <class Command>
MemoryBlocks blocks_of(const Command& c) {
  const std::uint64_t element = c.target == kTargetAccumulator ? 4 : 2;
  MemoryBlocks blocks;
  blocks.address = std::uint64_t{c.address_hi} << 32 | c.address_lo;
  blocks.panel_bytes = std::uint64_t{c.rows} * kPanelRowBytes;
  blocks.panel_stride = c.panel_stride;
  // Programs and indices are one panel, whatever the columns.
  blocks.panels =
      c.target > kTargetAccumulator
          ? 1
          : static_cast<std::uint32_t>((c.columns * element + kPanelRowBytes - 1) / kPanelRowBytes);
  blocks.left = 1;
  return blocks;
}

// Cycles in which the address of a row is worked out, with the one in which it is given to the
// generator (sim/cycle/indexed_rows.h).
template <class Command>
Cycle row_cycles(const Command& c) {
  Cycle cycles = 2;
  for (std::uint32_t left = c.row_pitch / kPanelRowBytes >> 2; left != 0; left >>= 2) ++cycles;
  return cycles;
}

// Which rows there are only the indices say; they are alike (host/driver/account.cpp).
template <class Command>
MemoryBlocks row_blocks(const Command& c) {
  MemoryBlocks blocks = blocks_of(c);
  const bool contiguous = c.panel_stride == kPanelRowBytes;
  blocks.panel_bytes = contiguous ? std::uint64_t{blocks.panels} * kPanelRowBytes : kPanelRowBytes;
  if (contiguous) blocks.panels = 1;
  blocks.pitch = c.row_pitch;
  blocks.left = c.rows;
  blocks.interval = row_cycles(c);
  return blocks;
}

/// How long the decoder works on a command of packed weights (rtl/decoder/weight_decoder.sv).
struct DecoderWork {
  Cycle cycles = 0;           // from its first beat to its last line, if beats are there
  std::uint64_t beats = 0;    // of the command
  std::uint64_t dropped = 0;  // of them behind the last line
};
DecoderWork decoder_work(const LoadQuantizedCommand& c, std::uint64_t beat_bytes,
                         std::uint64_t lanes) {
  const bool wide = c.element == kElementSigned8;
  const std::uint64_t panel_columns = kPanelColumnsBf16;
  const std::uint64_t code_bytes = wide ? panel_columns : panel_columns / 2;  // of a row
  const std::uint64_t unit_beats = kPackedUnitBytes / beat_bytes;
  const std::uint64_t line_beats =
      std::max<std::uint64_t>(1, lanes * code_bytes / panel_columns / beat_bytes);
  const auto groups = static_cast<std::uint64_t>(ceil_div(std::int64_t{c.rows}, group_rows(c)));
  const std::uint64_t panels = (c.columns + panel_columns - 1) / panel_columns;
  const std::uint64_t lines = std::max<std::uint64_t>(1, panel_columns / lanes);  // of a row
  const std::uint64_t code_beats = (c.rows * code_bytes + beat_bytes - 1) / beat_bytes;
  DecoderWork work;
  work.beats = static_cast<std::uint64_t>(loaded_bytes(c)) / beat_bytes;
  const std::uint64_t dropped = work.beats / panels - groups * unit_beats - code_beats;
  work.dropped = dropped;
  const std::uint64_t panel = groups * unit_beats + c.rows * lines * line_beats + dropped;
  work.cycles = static_cast<Cycle>(panels * panel - dropped);
  return work;
}

class StepWalk {
 public:
  StepWalk(const CompiledStep& step, const MachineShape& machine, const MemoryConfig& memory,
           const WalkLimits& limits, MemoryTimes& times, HostTimes& host,
           const MayBeForwarded& may_be_forwarded)
      : step_(step),
        memory_(memory),
        limits_(limits),
        times_(times),
        host_(host),
        may_be_forwarded_(may_be_forwarded),
        beat_bytes_(static_cast<std::uint64_t>(machine.axi_data_bits / 8)),
        lanes_(static_cast<std::uint64_t>(memory_lanes(machine))),
        vector_lanes_(static_cast<std::uint64_t>(machine.vector_lanes)),
        depth_(static_cast<std::size_t>(machine.queue_depth)),
        fetch_beats_(static_cast<Cycle>(sizeof(CommandWords) / beat_bytes_)),
        array_(machine),
        load_(beat_bytes_, limits),
        store_(beat_bytes_, limits) {
    for (Unit& unit : units_) unit.starts = Recent(depth_);
  }

  WalkTimes run() {
    while (result_.halt == 0) {
      advance();
      if (result_.halt == 0) book();
    }
    return result_;
  }

 private:
  struct Unit {
    std::deque<std::pair<std::size_t, Cycle>> queue;  // commands and when they were dispatched
    std::uint64_t dispatched = 0;
    Recent starts{1};
    Cycle last_end = 0;  // the completion of its last command
  };
  // A command of the load or the store unit whose bursts are under way.
  struct Transfer {
    std::uint32_t tokens = 0;
    Cycle start = 0;
    bool release = false;  // of a tile of streamed weights
    std::optional<DecoderWork> packed;
    Cycle beats = 0;  // that have come, of a packed one
    Cycle decoded_from = 0;
  };

  CommandWords words(std::size_t index) const { return step_.commands[index].words; }
  Cycle cycle_after(Femtoseconds when) const {
    return static_cast<Cycle>(when / limits_.period) + 1;
  }
  Femtoseconds edge(Cycle cycle) const { return static_cast<Femtoseconds>(cycle) * limits_.period; }

  // ---- what needs no memory
  void advance() {
    bool moved = true;
    while (moved && result_.halt == 0) {
      moved = dispatch();
      for (const Engine unit : kUnits) moved |= start(unit);
    }
  }

  bool dispatch() {
    if (dispatched_ == fetched_.size()) return false;
    const std::size_t index = dispatched_;
    const std::uint32_t opcode = words(index)[0] & 0xff;
    const std::optional<Engine> unit = engine_of(words(index));
    Cycle cycle = std::max(fetched_[index], last_dispatch_) + fetch_beats_ + kFetchStep;
    if (unit) {
      Unit& its = units_[place_of(*unit)];
      if (its.dispatched - its.starts.count() >= depth_) return false;
      if (its.dispatched >= depth_)
        cycle =
            std::max(cycle, its.starts.before(its.starts.count() + depth_ - its.dispatched, 0) + 1);
      its.queue.emplace_back(index, cycle);
      ++its.dispatched;
    } else if (opcode == HaltCommand::kOpcode) {
      for (const Unit& other : units_)
        if (!other.queue.empty()) return false;
      if (load_.busy() || store_.busy()) return false;
      for (const Unit& other : units_) cycle = std::max(cycle, other.last_end);
      if (index + 1 == step_.commands.size()) result_.halt = cycle;
    }
    last_dispatch_ = cycle;
    ++dispatched_;
    dispatches_.push(cycle);
    return true;
  }

  bool start(Engine engine) {
    Unit& unit = units_[place_of(engine)];
    if (unit.queue.empty()) return false;
    if (engine == Engine::kLoad && load_.busy()) return false;
    if (engine == Engine::kStore && store_.busy()) return false;
    const auto [index, dispatched] = unit.queue.front();
    const CommandWords& command = words(index);
    const std::uint32_t tokens = command[1];
    Cycle cycle = std::max(dispatched, unit.starts.before(1, -kQueueLatency)) + kQueueLatency;
    for (const Engine from : kUnits) {
      if ((tokens & token(from, engine)) == 0) continue;
      const std::deque<Cycle>& given = tokens_[place_of(from)][place_of(engine)];
      if (given.empty()) return false;
      cycle = std::max(cycle, given.front() + 1);
    }
    if (engine == Engine::kLoad && takes_tile(command)) {
      const Cycle there = host_.tile_there(tiles_ + 1);
      if (there < 0) return false;
      cycle = std::max(cycle, there);
      ++tiles_;
    }
    for (const Engine from : kUnits)
      if ((tokens & token(from, engine)) != 0)
        tokens_[place_of(from)][place_of(engine)].pop_front();
    unit.queue.pop_front();
    switch (engine) {
      case Engine::kLoad:
        cycle = start_load(command, cycle);
        break;
      case Engine::kArray:
        cycle = start_gemm(command, cycle);
        break;
      case Engine::kVector:
        cycle = start_vector(command, cycle);
        break;
      case Engine::kStore:
        cycle = start_store(command, cycle);
        break;
    }
    unit.starts.push(cycle);
    return true;
  }

  void complete(Engine engine, std::uint32_t tokens, Cycle cycle) {
    units_[place_of(engine)].last_end = std::max(units_[place_of(engine)].last_end, cycle);
    for (const Engine to : kUnits)
      if ((tokens >> kFirstSignal & token(engine, to)) != 0)
        tokens_[place_of(engine)][place_of(to)].push_back(cycle);
  }

  Cycle start_gemm(const CommandWords& command, Cycle cycle) {
    cycle = std::max({cycle, array_.loaded(), gemm_ends_.before(kGemmsPending, 0)});
    const GemmCommand gemm = decode_gemm(command);
    array_.plan(gemm, cycle, [&](const cycle_model::ArrayPass& pass) {
      result_.array_busy += pass.rows;
      result_.rows[gemm.kind] += pass.rows;
      result_.slots[gemm.kind] += pass.slots_end - pass.slots_from;
    });
    gemm_ends_.push(array_.completion());
    complete(Engine::kArray, command[1], array_.completion());
    return cycle;
  }

  Cycle start_vector(const CommandWords& command, Cycle cycle) {
    cycle = std::max(cycle, units_[place_of(Engine::kVector)].last_end);
    const VectorWork& work = vector_work(decode_vector(command));
    result_.vector_cycles += work.cycles;
    result_.vector_busy += work.busy;
    complete(Engine::kVector, command[1], cycle + 3 + work.cycles + 1);
    return cycle;
  }

  struct VectorWork {
    Cycle cycles = 0, busy = 0;
  };
  // Of the program that is there; alike commands of one program take as long.
  const VectorWork& vector_work(const VectorCommand& c) {
    const std::array<std::uint64_t, 2> key{std::uint64_t{c.first_instruction} |
                                               std::uint64_t{c.length} << 16 |
                                               std::uint64_t{c.walk} << 32 | programs_loaded_ << 34,
                                           std::uint64_t{c.rows} << 32 | c.columns};
    const auto [known, is_new] = vector_work_.try_emplace(key);
    if (!is_new) return known->second;
    const cycle_model::VectorProgram program(c, programs_);
    const cycle_model::VectorWalk place(c, vector_lanes_);
    cycle_model::VectorSchedule schedule;
    schedule.plan(program, place);
    return known->second = {schedule.cycles(), schedule.busy()};
  }

  static bool takes_tile(const CommandWords& command) {
    const std::uint32_t opcode = command[0] & 0xff;
    return (opcode == LoadCommand::kOpcode && decode_load(command).stream_take != 0) ||
           (opcode == LoadQuantizedCommand::kOpcode &&
            decode_load_quantized(command).stream_take != 0);
  }

  // ---- loads and stores
  Cycle start_load(const CommandWords& command, Cycle cycle) {
    const std::uint32_t opcode = command[0] & 0xff;
    const bool packed = opcode == LoadQuantizedCommand::kOpcode;
    cycle = std::max({cycle, load_.last_cut() + 1, loads_there_.before(kLoadsWaiting, 0) + 1});
    if (packed) cycle = std::max(cycle, packed_ends_.before(kPacked, 0) + 1);
    // A plain load does not overtake packed weights.
    if (!packed && packed_before_) cycle = std::max(cycle, loads_there_.before(1, 0) + 1);
    packed_before_ = packed;
    loading_ = Transfer{command[1], cycle, false, std::nullopt, 0, 0};
    auto most = static_cast<std::uint32_t>(limits_.burst_beats);
    switch (opcode) {
      case LoadCommand::kOpcode: {
        const LoadCommand load = decode_load(command);
        loading_.release = load.stream_release != 0;
        if (load.target == kTargetProgram) load_program(load);
        load_.take(blocks_of(load), cycle + 1, most);
        break;
      }
      case LoadScalesCommand::kOpcode: {
        const LoadScalesCommand load = decode_load_scales(command);
        MemoryBlocks blocks;
        blocks.address = std::uint64_t{load.address_hi} << 32 | load.address_lo;
        blocks.panel_bytes = std::uint64_t{load.rows} * kPanelRowBytes;
        blocks.panels = blocks.left = 1;
        load_.take(blocks, cycle + 1, most);
        break;
      }
      case LoadQuantizedCommand::kOpcode: {
        const LoadQuantizedCommand load = decode_load_quantized(command);
        loading_.release = load.stream_release != 0;
        loading_.packed = decoder_work(load, beat_bytes_, lanes_);
        MemoryBlocks blocks;
        blocks.address = std::uint64_t{load.address_hi} << 32 | load.address_lo;
        blocks.panel_bytes = static_cast<std::uint64_t>(panel_bytes(load, load.rows));
        blocks.panels = (load.columns + kPanelColumnsBf16 - 1) / kPanelColumnsBf16;
        blocks.panel_stride = load.panel_stride;
        blocks.left = 1;
        most = std::min(most, static_cast<std::uint32_t>(kDecoderBurstBeats));
        load_.take(blocks, cycle + 1, most);
        result_.decoder_cycles += loading_.packed->cycles;
        break;
      }
      default: {
        const GatherCommand gather = decode_gather(command);
        load_.take(row_blocks(gather), cycle + 3 + row_cycles(gather), most);
        break;
      }
    }
    return cycle;
  }

  // What is there when the command starts: its tokens have ended the programs before it.
  void load_program(const LoadCommand& load) {
    const std::uint64_t address = std::uint64_t{load.address_hi} << 32 | load.address_lo;
    const std::uint64_t first = (address - step_.program_address) / sizeof(std::uint64_t);
    const std::uint64_t beat_words = beat_bytes_ / sizeof(std::uint64_t);
    std::uint64_t count = std::uint64_t{load.rows} * kPanelRowBytes / sizeof(std::uint64_t);
    if (first >= step_.instructions.size()) return;
    std::vector<std::uint64_t> loaded(count, 0);
    count = std::min<std::uint64_t>(count, step_.instructions.size() - first);
    std::copy_n(step_.instructions.begin() + static_cast<std::ptrdiff_t>(first), count,
                loaded.begin());
    programs_.write(load.line, reinterpret_cast<const std::uint8_t*>(loaded.data()),
                    loaded.size() / beat_words, beat_bytes_);
    ++programs_loaded_;
  }

  Cycle start_store(const CommandWords& command, Cycle cycle) {
    cycle = std::max({cycle, store_.last_cut() + 1, stores_ended_.before(kStoresHeld, -1) + 1});
    storing_ = Transfer{command[1], cycle, false, std::nullopt, 0, 0};
    const auto most = static_cast<std::uint32_t>(limits_.burst_beats);
    if ((command[0] & 0xff) == StoreCommand::kOpcode) {
      store_.take(blocks_of(decode_store(command)), cycle + 1, most);
    } else {
      const ScatterCommand scatter = decode_scatter(command);
      store_.take(row_blocks(scatter), cycle + 3 + row_cycles(scatter), most);
    }
    return cycle;
  }

  // ---- bursts, in the order of their arrivals
  void book() {
    const bool may_fetch =
        fetched_.size() < step_.commands.size() && fetched_.size() < dispatched_ + kFetchDepth;
    const Cycle fetch = may_fetch ? fetch_arrival() : cycle_model::kNever;
    const Cycle load = load_.busy() ? load_cut() + 1 : cycle_model::kNever;
    const Cycle store = store_.busy() ? last_write_beat() : cycle_model::kNever;
    if (fetch == cycle_model::kNever && load == cycle_model::kNever && store == cycle_model::kNever)
      throw MachineError("the commands of the step wait for each other");
    const Femtoseconds next = edge(std::min({fetch, load, store}));
    const MemoryBurst* written = host_.next_write(next);
    if (written != nullptr && written->arrival <= next) {
      times_.answer(*written);
      host_.written();
    } else if (fetch <= load && fetch <= store) {
      book_fetch(fetch);
    } else if (load <= store) {
      book_load(load - 1);
    } else {
      book_store(store);
    }
  }

  Femtoseconds ask(MemoryUser user, Cycle arrival, std::uint64_t address, std::uint64_t bytes) {
    MemoryBurst burst{user, edge(arrival), address, bytes, false};
    burst.may_be_forwarded =
        user != MemoryUser::kStore && may_be_forwarded_ && may_be_forwarded_(address, bytes);
    result_.bus += least_bus_time(memory_, burst);
    if (memory_.kind == MemoryKind::kDram) {
      const bool write = user == MemoryUser::kStore;
      (write                    ? result_.writes
       : burst.may_be_forwarded ? result_.forwardable_reads
                                : result_.reads) += accesses_of(memory_, burst);
    }
    return times_.answer(burst);
  }

  // The last beat of a read burst whose answer has come then.
  Cycle read_beats(MemoryUser user, Femtoseconds answer, Cycle beats) {
    Cycle& last = last_beat_[limits_.expected ? 0 : static_cast<std::size_t>(user)];
    last = std::max(cycle_after(answer), last + 1) + beats - 1;
    result_.read_beats += static_cast<std::uint64_t>(beats);
    return last;
  }

  // The address is offered in the cycle after the one in which there is room.
  Cycle fetch_arrival() const {
    const std::size_t index = fetched_.size();
    const Cycle room =
        index < kFetchDepth ? 0 : dispatches_.before(dispatched_ - (index - kFetchDepth), 0);
    return std::max(last_fetch_ + 1, room + 2);
  }

  void book_fetch(Cycle arrival) {
    last_fetch_ = arrival;
    const std::uint64_t place = fetched_.size() & (step_.ring_entries - 1);
    const Femtoseconds answer =
        ask(MemoryUser::kFetch, arrival, step_.ring_address + place * sizeof(CommandWords),
            sizeof(CommandWords));
    fetched_.push_back(read_beats(MemoryUser::kFetch, answer, fetch_beats_));
  }

  Cycle load_cut() const {
    const Cycle cut = load_.cut();
    return loading_.packed ? std::max(cut, decoder_room()) : cut;
  }

  void book_load(Cycle cut) {
    const cycle_model::Cut burst = load_.burst();
    const Femtoseconds answer =
        ask(MemoryUser::kLoad, cut + 1, burst.address, burst.beats * beat_bytes_);
    const auto beats = static_cast<Cycle>(burst.beats);
    const Cycle last = read_beats(MemoryUser::kLoad, answer, beats);
    if (loading_.packed) note_packed(last, beats);
    if (!load_.taken(cut, burst.beats, last)) return;
    Cycle end = last + 2;
    if (loading_.packed) {
      const DecoderWork& work = *loading_.packed;
      const Cycle line = std::max(loading_.decoded_from + work.cycles - 1,
                                  last - static_cast<Cycle>(work.dropped) + 2);
      const Cycle done = line + kScaleLatency + kElementLatency - 1;
      packed_ends_.push(done);
      loads_there_.push(done);
      end = done + 2;
    } else {
      loads_there_.push(last);
    }
    if (loading_.release) host_.released(end + 1);
    complete(Engine::kLoad, loading_.tokens, end);
  }

  // ---- the buffer of the decoder
  struct Held {
    std::uint64_t before = 0;  // beats
    Cycle beats = 0;
    Cycle first_leaves = 0, last_leaves = 0;
  };
  void note_packed(Cycle last, Cycle beats) {
    const Cycle first = last - beats + 1;
    if (loading_.beats == 0)
      loading_.decoded_from = std::max(first + 2, packed_ends_.before(1, 0) + 1);
    // As if all beats of a command were alike.
    const auto paced = [&](Cycle beat) {
      return loading_.decoded_from +
             loading_.packed->cycles * beat / static_cast<Cycle>(loading_.packed->beats);
    };
    Held held{packed_beats_, beats, std::max(first + 2, loading_.decoded_from), 0};
    if (limits_.expected) held.first_leaves = std::max(held.first_leaves, paced(loading_.beats));
    loading_.beats += beats;
    held.last_leaves = std::max(last + 2, paced(loading_.beats) - 1);
    held_.push_back(held);
    packed_beats_ += static_cast<std::uint64_t>(beats);
    while (packed_beats_ > kRoom &&
           held_.front().before + static_cast<std::uint64_t>(held_.front().beats) <
               packed_beats_ - kRoom)
      held_.pop_front();
  }
  // From when on the decoder has room for another burst.
  Cycle decoder_room() const {
    if (packed_beats_ <= kRoom) return 0;
    const std::uint64_t left = packed_beats_ - kRoom;  // so many must have left it
    const auto burst = std::find_if(held_.begin(), held_.end(), [&](const Held& held) {
      return held.before + static_cast<std::uint64_t>(held.beats) >= left;
    });
    const auto within = static_cast<Cycle>(left - burst->before - 1);
    const Cycle paced = burst->first_leaves + (burst->last_leaves - burst->first_leaves) * within /
                                                  std::max<Cycle>(1, burst->beats - 1);
    return (limits_.expected ? paced : burst->first_leaves + within) + 1;
  }

  // Of the burst at hand of the store unit: W beats follow their address, and their reads of the
  // local memory.
  Cycle last_write_beat() const {
    const auto beats = static_cast<Cycle>(store_.burst().beats);
    return std::max({store_.cut() + 2, last_written_ + 1, storing_.start + 5}) + beats - 1;
  }
  void book_store(Cycle last) {
    const cycle_model::Cut burst = store_.burst();
    const Cycle cut = store_.cut();
    last_written_ = last;
    result_.written_beats += burst.beats;
    const Cycle response = std::max(
        cycle_after(ask(MemoryUser::kStore, last, burst.address, burst.beats * beat_bytes_)),
        last_response_ + 1);
    last_response_ = response;
    if (!store_.taken(cut, burst.beats, response)) return;
    stores_ended_.push(response);
    complete(Engine::kStore, storing_.tokens, response + 1);
  }

  const CompiledStep& step_;
  const MemoryConfig& memory_;
  const WalkLimits limits_;
  MemoryTimes& times_;
  HostTimes& host_;
  const MayBeForwarded& may_be_forwarded_;
  const std::uint64_t beat_bytes_, lanes_, vector_lanes_;
  const std::size_t depth_;
  const Cycle fetch_beats_;
  WalkTimes result_;

  // Commands.
  std::vector<Cycle> fetched_;  // the last beat of each
  std::size_t dispatched_ = 0;
  Recent dispatches_{2 * kFetchDepth};
  Cycle last_dispatch_ = -kFetchStep, last_fetch_ = 1;
  std::array<Unit, kEngines> units_;
  std::array<std::array<std::deque<Cycle>, kEngines>, kEngines> tokens_;  // [from][to]: completions

  // Array and vector unit.
  cycle_model::ArraySchedule array_;
  Recent gemm_ends_{kGemmsPending};
  cycle_model::ProgramMemory programs_;
  std::uint64_t programs_loaded_ = 0;
  std::map<std::array<std::uint64_t, 2>, VectorWork> vector_work_;

  // Load unit.
  Cutter load_;
  Transfer loading_;
  Recent loads_there_{kLoadsWaiting};  // the last beat, or line, of each command
  Recent packed_ends_{kPacked};
  bool packed_before_ = false;
  std::uint64_t packed_beats_ = 0, tiles_ = 0;
  std::deque<Held> held_;
  std::array<Cycle, 4> last_beat_{};  // by user

  // Store unit.
  Cutter store_;
  Transfer storing_;
  Recent stores_ended_{kStoresHeld};
  Cycle last_written_ = 0, last_response_ = 0;
};

}  // namespace

WalkTimes walk(const CompiledStep& step, const MachineShape& machine, const MemoryConfig& memory,
               const WalkLimits& limits, MemoryTimes& times, HostTimes& host,
               const MayBeForwarded& may_be_forwarded) {
  return StepWalk(step, machine, memory, limits, times, host, may_be_forwarded).run();
}

}  // namespace corank
