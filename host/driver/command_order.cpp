#include "host/driver/command_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "host/driver/footprint.h"
#include "host/driver/token_clocks.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::size_t kMostFindings = 4;

const char* name_of(Engine unit) { return kUnitNames[static_cast<std::size_t>(unit_of(unit))]; }

// Of a local memory.
const char* name_of(Storage storage) {
  return storage == Storage::kScratchpad ? "scratchpad" : "accumulator memory";
}

// The latest command of each unit that read or wrote there.
struct Latest {
  OfUnits read = kNoCommands, write = kNoCommands;
};

// A storage, cut where uses begin and end.
class Pieces {
 public:
  Pieces() { pieces_.emplace(0, Latest{}); }

  /// Calls visit(begin, end, latest) for the pieces that [begin, end) consists of.
  template <class Visit>
  void visit(std::int64_t begin, std::int64_t end, const Visit& visit) {
    auto piece = cut(begin);
    const auto last = cut(end);
    while (piece != last) {
      const auto next = std::next(piece);
      visit(piece->first, next->first, piece->second);
      piece = next;
    }
  }

 private:
  using Map = std::map<std::int64_t, Latest>;
  Map::iterator cut(std::int64_t at) {
    const auto after = pieces_.upper_bound(at);
    const auto piece = std::prev(after);
    return piece->first == at ? piece : pieces_.emplace_hint(after, at, piece->second);
  }
  Map pieces_;  // by begin
};

struct Banks {
  std::int64_t lines = 0;  // of the memory
  std::int64_t lines_of_bank = 1;
  std::vector<Latest> latest;  // of each bank

  Banks(std::int64_t all_lines, int banks)
      : lines(all_lines),
        lines_of_bank(all_lines / banks),
        latest(static_cast<std::size_t>(banks)) {}
};

bool is_local(Storage storage) { return storage <= Storage::kAccumulator; }

// "line 7", "lines 7 to 9".
std::string span(const char* one, const char* several, std::int64_t begin, std::int64_t end) {
  if (begin + 1 == end) return fmt::format("{} {}", one, begin);
  return fmt::format("{} {} to {}", several, begin, end - 1);
}

// What two uses share.
std::string place_of(Storage storage, std::int64_t begin, std::int64_t end) {
  switch (storage) {
    case Storage::kMemory:
      return fmt::format("bytes {:#x} to {:#x} of device memory", begin * kPanelRowBytes,
                         end * kPanelRowBytes - 1);
    case Storage::kPrograms:
      return span("instruction", "instructions", begin, end);
    case Storage::kIndices:
      return span("index", "indices", begin, end);
    default:
      return span("line", "lines", begin, end) + " of the " + name_of(storage);
  }
}

class OrderVerifier {
 public:
  OrderVerifier(const CompiledStep& step, const Graph& graph, const MachineShape& machine)
      : step_(step),
        graph_(graph),
        clocks_(machine.queue_depth),
        footprints_(step, machine),
        banks_{Banks(scratchpad_lines(machine), machine.scratchpad_banks),
               Banks(accumulator_lines(machine), machine.accumulator_banks)} {}

  std::vector<std::string> run() {
    for (const CompiledCommand& command : step_.commands) {
      if (found_.size() >= kMostFindings || !take(command.words)) return std::move(found_);
      ++index_;
    }
    check_counters();
    return std::move(found_);
  }

 private:
  template <class... Arguments>
  void say(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (found_.size() >= kMostFindings) return;
    found_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  std::string name(std::int32_t index) const {
    return describe_command(step_, graph_, static_cast<std::size_t>(index));
  }

  // ---- the next command; false: it never starts
  bool take(const CommandWords& words) {
    const std::optional<Engine> unit = engine_of(words);
    if (!unit) {
      (words[0] & 0xff) == HaltCommand::kOpcode ? clocks_.next_is_halt() : clocks_.next_is_nop();
      return true;
    }
    const std::optional<OfUnits> complete = clocks_.next(*unit, words[1]);
    if (!complete) {
      say("{} waits for a token of the {} unit that no command before it gives: the device would "
          "hang",
          name(index_), name_of(clocks_.missing()));
      return false;
    }
    unit_ = static_cast<std::size_t>(*unit);
    complete_ = *complete;
    last_shared_ = -1;
    const std::vector<Use>& uses = footprints_.next(words);
    for (const Use& use : uses) check(use);
    if (*unit == Engine::kArray) check_operands(uses);
    return true;
  }

  void check(const Use& use) {
    pieces_[static_cast<std::size_t>(use.storage)].visit(
        use.begin, use.end, [&](std::int64_t begin, std::int64_t end, Latest& latest) {
          check_place(use, begin, end, latest);
          (use.write ? latest.write : latest.read)[unit_] = index_;
        });
    if (is_local(use.storage)) check_ports(use);
    if (use.storage == Storage::kMemory && use.write) check_rings(use);
  }

  // ---- the same place
  void check_place(const Use& use, std::int64_t begin, std::int64_t end, const Latest& latest) {
    for (std::size_t unit = 0; unit < latest.write.size(); ++unit) {
      const bool by_itself = use.storage == Storage::kIndices && !use.write;
      if (unit == unit_ && !by_itself) continue;
      if (latest.write[unit] > complete_[unit])
        say_shared(latest.write[unit],
                   fmt::format("the first one writes {}, which the other one {}",
                               place_of(use.storage, begin, end), use.write ? "writes" : "reads"));
      if (use.write && unit != unit_ && latest.read[unit] > complete_[unit])
        say_shared(latest.read[unit],
                   fmt::format("the first one reads {}, which the other one writes",
                               place_of(use.storage, begin, end)));
    }
  }

  // ---- the same port
  void check_ports(const Use& use) {
    Banks& banks = banks_[static_cast<std::size_t>(use.storage)];
    if (use.end > banks.lines)
      say("{} touches {}, which has {}", name(index_),
          place_of(use.storage, std::max(use.begin, banks.lines), use.end), banks.lines);
    const std::int64_t end = std::min(use.end, banks.lines);
    for (std::int64_t line = use.begin; line < end;) {
      const std::int64_t bank = line / banks.lines_of_bank;
      Latest& latest = banks.latest[static_cast<std::size_t>(bank)];
      OfUnits& users = use.write ? latest.write : latest.read;
      for (std::size_t unit = 0; unit < users.size(); ++unit) {
        if (unit == unit_ || users[unit] <= complete_[unit]) continue;
        say_shared(users[unit],
                   fmt::format("both use the {} port of bank {} of the {}",
                               use.write ? "write" : "read", bank, name_of(use.storage)));
      }
      users[unit_] = index_;
      line = (bank + 1) * banks.lines_of_bank;
    }
  }

  // Once of a pair of commands.
  void say_shared(std::int32_t other, const std::string& shared) {
    if (other == last_shared_) return;
    last_shared_ = other;
    say("{} may be under way when {} starts: {}", name(other), name(index_), shared);
  }

  // ---- the two operands of the array, this command's and the streamed one of the command before
  void check_operands(const std::vector<Use>& uses) {
    std::uint32_t streamed = 0, stationary = 0;  // banks
    for (const Use& use : uses) {
      if (use.storage == Storage::kScratchpad)
        (use.stationary ? stationary : streamed) |= banks_of(use);
    }
    if ((stationary & streamed) != 0)
      say("{} reads both operands from bank {} of the scratchpad", name(index_),
          first_bit(stationary & streamed));
    if (streaming_ > complete_[unit_] && (stationary & streamed_) != 0)
      say("{} may still stream from bank {} of the scratchpad when {} reads its stationary operand "
          "there",
          name(streaming_), first_bit(stationary & streamed_), name(index_));
    streaming_ = index_;
    streamed_ = streamed;
  }

  std::uint32_t banks_of(const Use& use) const {
    const Banks& banks = banks_[static_cast<std::size_t>(use.storage)];
    std::uint32_t bits = 0;
    for (std::int64_t line = use.begin; line < std::min(use.end, banks.lines);) {
      const std::int64_t bank = line / banks.lines_of_bank;
      bits |= 1u << bank;
      line = (bank + 1) * banks.lines_of_bank;
    }
    return bits;
  }

  static int first_bit(std::uint32_t bits) {
    int bit = 0;
    while ((bits >> bit & 1u) == 0) ++bit;
    return bit;
  }

  // ---- what the command unit reads and the host writes while the step goes on
  void check_rings(const Use& use) {
    const auto begin = static_cast<std::int64_t>(step_.tile_ring_address / kPanelRowBytes);
    const auto end = static_cast<std::int64_t>(step_.memory_bytes / kPanelRowBytes);
    if (use.begin < end && begin < use.end)
      say("{} writes {}, where the rings of commands and of streamed weights lie", name(index_),
          place_of(use.storage, std::max(begin, use.begin), std::min(end, use.end)));
  }

  // ---- the counters of tokens
  void check_counters() {
    for (const TokenClocks::Given& given : clocks_.overflows())
      say("{} may give more tokens of the {} unit to the {} unit than the {} that a counter holds",
          name(given.by), name_of(given.pair.from), name_of(given.pair.to), kMostTokens);
    for (const TokenClocks::Given& given : clocks_.left_over())
      say("{} gives a token to the {} unit that no command takes: the next step would find it",
          name(given.by), name_of(given.pair.to));
  }

  const CompiledStep& step_;
  const Graph& graph_;
  TokenClocks clocks_;
  Footprints footprints_;
  std::array<Pieces, 5> pieces_;  // by Storage
  std::array<Banks, 2> banks_;    // of the local memories, by Storage
  std::int32_t streaming_ = -1;   // the last gemm
  std::uint32_t streamed_ = 0;    // banks of its streamed operand

  // The command at hand.
  std::int32_t index_ = 0;
  std::size_t unit_ = 0;
  OfUnits complete_ = kNoCommands;
  std::int32_t last_shared_ = -1;  // the last command of which something has been said

  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> unordered(const CompiledStep& step, const Graph& graph,
                                   const MachineShape& machine) {
  return OrderVerifier(step, graph, machine).run();
}

std::string disorder(const CompiledStep& step, const Graph& graph, const MachineShape& machine) {
  const std::vector<std::string> found = unordered(step, graph, machine);
  if (found.empty()) return "";
  return fmt::format("the tokens do not order the commands:\n{}\n", fmt::join(found, "\n"));
}

std::string ordered_text(std::uint64_t commands) {
  return fmt::format(
      "  order: {} commands, every two that touch the same lines, memory or port are ordered by "
      "tokens\n",
      commands);
}

}  // namespace corank
