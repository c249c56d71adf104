// Little programs with known answers, on a machine of 3 x 5 with 4 vector lanes and a bus of 16
// bytes: lines of 8 elements, of which a bank of either local memory has 512. And compiled ones,
// from which each token is taken away: every two commands that meet are then compared with every
// chain of tokens that there is.
#include "host/driver/command_order.h"

#include <bitset>
#include <catch2/catch.hpp>
#include <deque>

#include "host/driver/footprint.h"
#include "host/run/simulate.h"
#include "host/verify/case_memory.h"
#include "host/verify/graph_case.h"
#include "tests/host/narrow_machine.h"

using namespace corank;
using namespace corank::interface;
using Catch::Contains;

namespace {

constexpr Engine kLoad = Engine::kLoad, kArray = Engine::kArray, kVector = Engine::kVector,
                 kStore = Engine::kStore;
constexpr std::uint32_t kBankLines = 512;

struct Tokens {
  std::uint32_t wait = 0, signal = 0;
};

class Ring {
 public:
  Ring() { step_.gemm_kinds.resize(kGemmKinds); }

  template <class Command>
  Ring& add(Command command, const Tokens& tokens = {}) {
    command.wait_tokens = tokens.wait;
    command.signal_tokens = tokens.signal;
    step_.commands.push_back({encode(command), -1});
    return *this;
  }
  Ring& halt() {
    step_.commands.push_back({encode(HaltCommand{}), -1});
    return *this;
  }
  std::vector<std::string> unordered() const {
    return corank::unordered(step_, Graph{}, test::narrow_machine());
  }
  /// The only finding; "": there is none.
  std::string finding() const {
    const std::vector<std::string> found = unordered();
    CHECK(found.size() <= 1);
    return found.empty() ? "" : found.front();
  }
  CompiledStep& step() { return step_; }

 private:
  CompiledStep step_;
};

/// `rows` rows of 8 elements between lines of the scratchpad and memory.
template <class Command>
Command transfer(std::uint32_t line, std::uint32_t rows, std::uint32_t address = 0) {
  Command command;
  command.address_lo = address;
  command.rows = rows;
  command.columns = 8;
  command.panel_stride = 1 << 20;
  command.line = line;
  return command;
}
LoadCommand load(std::uint32_t line, std::uint32_t rows, std::uint32_t address = 0) {
  return transfer<LoadCommand>(line, rows, address);
}
StoreCommand store(std::uint32_t line, std::uint32_t rows, std::uint32_t address = 1 << 20) {
  return transfer<StoreCommand>(line, rows, address);
}

/// 3 x 3 . 3 x 3 from lines 0 and 512 of the scratchpad to line 0 of the accumulator memory.
GemmCommand gemm() {
  GemmCommand command;
  command.rows = command.depth = command.columns = 3;
  command.stationary_line = kBankLines;
  return command;
}

/// Instructions 0 to 1: 4 x 8 elements from one line of the scratchpad to another.
VectorCommand copy(std::uint32_t from, std::uint32_t to) {
  VectorCommand command;
  command.length = 2;
  command.rows = 4;
  command.columns = 8;
  command.stream0 = from;
  command.stream1 = to;
  return command;
}
std::vector<std::uint64_t> copying() {
  return {static_cast<std::uint64_t>(VectorOpcode::kLoad) << 32,
          std::uint64_t{1} << 54 | static_cast<std::uint64_t>(VectorOpcode::kStore) << 32};
}

Tokens gives(Engine from, Engine to) { return {0, token(from, to)}; }
Tokens takes(Engine from, Engine to) { return {token(from, to), 0}; }
Tokens operator+(const Tokens& a, const Tokens& b) {
  return {a.wait | b.wait, a.signal | b.signal};
}

}  // namespace

TEST_CASE("a store of lines that a load writes waits for its token", "[order]") {
  CHECK(Ring().add(load(0, 8)).add(store(4, 8)).finding() ==
        "command 0 (load) may be under way when command 1 (store) starts: the first one writes "
        "lines 4 to 7 of the scratchpad, which the other one reads");
  CHECK(Ring()
            .add(load(0, 8), gives(kLoad, kStore))
            .add(store(4, 8), takes(kLoad, kStore))
            .finding()
            .empty());
  // The other way round, and lines side by side.
  CHECK_THAT(Ring().add(store(4, 8)).add(load(11, 8)).finding(),
             Contains("the first one reads line 11 of the scratchpad, which the other one writes"));
  CHECK(Ring().add(store(4, 8)).add(load(12, 8)).finding().empty());
}

TEST_CASE("two units do not use one port of a bank, whatever the lines", "[order]") {
  // The array reads bank 0, a store reads other lines of it.
  CHECK(Ring().add(gemm()).add(store(kBankLines - 8, 8)).finding() ==
        "command 0 (gemm frozen_forward) may be under way when command 1 (store) starts: both use "
        "the read port of bank 0 of the scratchpad");
  CHECK_THAT(Ring().add(gemm()).add(store(kBankLines - 8, 9)).finding(), Contains("bank 0"));
  // The bank of its stationary operand, the bank behind both.
  CHECK_THAT(Ring().add(gemm()).add(store(kBankLines + 8, 8)).finding(),
             Contains("the read port of bank 1 of the scratchpad"));
  CHECK(Ring().add(gemm()).add(store(2 * kBankLines, 8)).finding().empty());
  // Loads write, so they use the other port of the bank that the array reads.
  CHECK(Ring().add(gemm()).add(load(8, 8)).finding().empty());
  // Sums of the array, and what a load writes to the accumulator memory.
  LoadCommand sums = load(8, 8);
  sums.target = kTargetAccumulator;
  CHECK_THAT(Ring().add(gemm()).add(sums).finding(),
             Contains("the write port of bank 0 of the accumulator memory"));
  sums.line = kBankLines;
  CHECK(Ring().add(gemm()).add(sums).finding().empty());
}

TEST_CASE("no command touches a line beyond a local memory", "[order]") {
  // 64 KiB in lines of 8 elements: 4096 lines of BF16, 2048 of FP32.
  CHECK(Ring().add(load(4088, 8)).finding().empty());
  CHECK(Ring().add(load(4089, 8)).finding() ==
        "command 0 (load) touches line 4096 of the scratchpad, which has 4096");
  StoreCommand sums = store(2050, 8);
  sums.target = kTargetAccumulator;
  CHECK(Ring().add(sums).finding() ==
        "command 0 (store) touches lines 2050 to 2057 of the accumulator memory, which has 2048");
}

TEST_CASE("sums that start from +0 are not read, so a store of others meets nobody", "[order]") {
  StoreCommand sums = store(8, 8);
  sums.target = kTargetAccumulator;
  CHECK(Ring().add(gemm()).add(sums).finding().empty());
  GemmCommand more = gemm();
  more.accumulate = 1;
  CHECK_THAT(Ring().add(more).add(sums).finding(),
             Contains("the read port of bank 0 of the accumulator memory"));
}

TEST_CASE("a load of memory that a store writes waits for its token", "[order]") {
  CHECK_THAT(Ring().add(store(0, 4, 1024)).add(load(2048, 4, 1024 + 384)).finding(),
             Contains("the first one writes bytes 0x580 to 0x5ff of device memory, which the other "
                      "one reads"));
  CHECK(Ring().add(store(0, 4, 1024)).add(load(2048, 4, 1024 + 512)).finding().empty());
  CHECK(Ring()
            .add(store(0, 4, 1024), gives(kStore, kLoad))
            .add(load(2048, 4, 1024), takes(kStore, kLoad))
            .finding()
            .empty());
}

TEST_CASE("a token of an earlier command is too early", "[order]") {
  // The load that is waited for is complete; the one that writes the lines is the next one.
  CHECK_THAT(Ring()
                 .add(load(kBankLines, 8), gives(kLoad, kStore))
                 .add(load(0, 8))
                 .add(store(0, 8), takes(kLoad, kStore))
                 .finding(),
             Contains("command 1 (load) may be under way when command 2 (store) starts"));
  // Tokens are taken in the order in which they are given.
  CHECK(Ring()
            .add(load(kBankLines, 8), gives(kLoad, kStore))
            .add(load(0, 8), gives(kLoad, kStore))
            .add(store(2 * kBankLines, 8), takes(kLoad, kStore))
            .add(store(0, 8), takes(kLoad, kStore))
            .finding()
            .empty());
}

TEST_CASE("a later token says that everything before it is complete", "[order]") {
  CHECK(Ring()
            .add(load(0, 8))
            .add(load(kBankLines, 8), gives(kLoad, kStore))
            .add(store(0, 8), takes(kLoad, kStore))
            .add(store(0, 8))
            .finding()
            .empty());
}

TEST_CASE("tokens order through other units", "[order]") {
  CHECK(Ring()
            .add(load(0, 3), gives(kLoad, kArray))
            .add(gemm(), takes(kLoad, kArray) + gives(kArray, kStore))
            .add(store(0, 3), takes(kArray, kStore))
            .finding()
            .empty());
  // What waits for the array may start before a load that the array did not wait for is complete.
  CHECK_THAT(Ring()
                 .add(load(0, 3), gives(kLoad, kArray))
                 .add(load(2 * kBankLines, 8))
                 .add(gemm(), takes(kLoad, kArray) + gives(kArray, kStore))
                 .add(store(2 * kBankLines, 8), takes(kArray, kStore))
                 .finding(),
             Contains("command 1 (load) may be under way when command 3 (store) starts"));
}

TEST_CASE("a token that no command before gives hangs, one that nobody takes stays", "[order]") {
  CHECK(Ring().add(store(0, 8), takes(kLoad, kStore)).finding() ==
        "command 0 (store) waits for a token of the load unit that no command before it gives: the "
        "device would hang");
  CHECK_THAT(Ring()
                 .add(store(0, 8), takes(kLoad, kStore))
                 .add(load(1024, 8), gives(kLoad, kStore))
                 .finding(),
             Contains("command 0 (store) waits for a token of the load unit"));
  CHECK(Ring().add(load(0, 8), gives(kLoad, kVector)).halt().finding() ==
        "command 0 (load) gives a token to the vector unit that no command takes: the next step "
        "would find it");
}

TEST_CASE("a halt waits for everything before it", "[order]") {
  CHECK(Ring().add(load(0, 8)).halt().add(store(0, 8)).halt().finding().empty());
}

TEST_CASE("a gather waits for its indices by a token of its own unit", "[order]") {
  LoadCommand indices = load(32, 1);
  indices.target = kTargetIndices;
  GatherCommand gather = transfer<GatherCommand>(0, 4, 1 << 16);
  gather.first_index = 60;
  gather.limit = 100;
  gather.row_pitch = 128;
  CHECK(Ring().add(indices).add(gather).finding() ==
        "command 0 (load) may be under way when command 1 (gather) starts: the first one writes "
        "indices 60 to 63, which the other one reads");
  CHECK(Ring()
            .add(indices, gives(kLoad, kLoad))
            .add(gather, takes(kLoad, kLoad))
            .add(indices)  // which the gather has read when the load unit goes on
            .finding()
            .empty());
  gather.first_index = 64;
  CHECK(Ring().add(indices).add(gather).finding().empty());
  // A scatter is of another unit: it waits for the load, and the next load for it.
  ScatterCommand scatter = transfer<ScatterCommand>(0, 4, 1 << 16);
  scatter.first_index = 60;
  scatter.limit = 100;
  scatter.row_pitch = 128;
  CHECK_THAT(Ring().add(indices).add(scatter).finding(), Contains("writes indices 60 to 63"));
  CHECK_THAT(Ring()
                 .add(indices, gives(kLoad, kStore))
                 .add(scatter, takes(kLoad, kStore))
                 .add(indices)
                 .finding(),
             Contains("reads indices 60 to 63"));
  // Any row below the limit may be the one that is loaded.
  CHECK_THAT(Ring()
                 .add(indices, gives(kLoad, kStore))
                 .add(scatter, takes(kLoad, kStore))
                 .add(load(2048, 1, (1 << 16) + 99 * 128))
                 .finding(),
             Contains("bytes 0x13180 to 0x131ff of device memory"));
  CHECK(Ring()
            .add(indices, gives(kLoad, kStore))
            .add(scatter, takes(kLoad, kStore))
            .add(load(2048, 1, (1 << 16) + 100 * 128))
            .finding()
            .empty());
}

TEST_CASE("a vector command waits for its program, and for the streams that it has", "[order]") {
  LoadCommand programs = load(0, 1);
  programs.target = kTargetProgram;
  const auto with = [&](const Tokens& given, const Tokens& taken) {
    Ring ring;
    ring.step().instructions = copying();
    ring.add(programs, given).add(copy(0, kBankLines), taken);
    return ring;
  };
  CHECK_THAT(with({}, {}).finding(),
             Contains("the first one writes instructions 0 to 1, which the other one reads"));
  CHECK(with(gives(kLoad, kVector), takes(kLoad, kVector)).finding().empty());
  // What it writes is stored; what it reads is loaded anew.
  Ring more = with(gives(kLoad, kVector), takes(kLoad, kVector));
  more.add(store(kBankLines + 3, 1)).add(load(3, 1));
  const std::vector<std::string> found = more.unordered();
  REQUIRE(found.size() == 2);
  CHECK_THAT(found[0],
             Contains("command 1 (vector) may be under way when command 2 (store) starts: "
                      "the first one writes line 515 of the scratchpad"));
  CHECK_THAT(found[1], Contains("command 1 (vector) may be under way when command 3 (load) starts: "
                                "the first one reads line 3 of the scratchpad"));
}

TEST_CASE("the array's operands lie in different banks, of this command and the next", "[order]") {
  GemmCommand both = gemm();
  both.stationary_line = kBankLines - 3;
  CHECK(Ring().add(both).finding() ==
        "command 0 (gemm frozen_forward) reads both operands from bank 0 of the scratchpad");
  GemmCommand swapped = gemm();
  std::swap(swapped.stream_line, swapped.stationary_line);
  CHECK(Ring().add(gemm()).add(swapped).finding() ==
        "command 0 (gemm frozen_forward) may still stream from bank 0 of the scratchpad when "
        "command 1 (gemm frozen_forward) reads its stationary operand there");
  CHECK(Ring().add(gemm()).halt().add(swapped).finding().empty());
  GemmCommand other = gemm();
  other.stream_line = 2 * kBankLines;
  other.stationary_line = 3 * kBankLines;
  CHECK(Ring().add(gemm()).add(other).add(swapped).finding().empty());
}

TEST_CASE("no more tokens of a kind come together than a counter holds", "[order]") {
  // Stores begin when a number of loads are complete, each of which gives a token.
  const auto with = [](int loads, int before) {
    Ring ring;
    for (int i = 0; i < loads + before; ++i) {
      if (i < loads) ring.add(load(0, 1), gives(kLoad, kStore));
      if (i >= before) ring.add(store(kBankLines, 1), takes(kLoad, kStore));
    }
    return ring;
  };
  CHECK(with(kMostTokens, kMostTokens).finding().empty());
  CHECK_THAT(with(kMostTokens + 1, kMostTokens + 1).finding(),
             Contains("command 255 (load) may give more tokens of the load unit to the store unit "
                      "than the 255 that a counter holds"));
  // When a load is complete, all stores before it but the 4 in the queue have taken theirs.
  CHECK(with(2000, kMostTokens - 5).finding().empty());
  CHECK_THAT(with(2000, kMostTokens - 4).finding(), Contains("than the 255 that a counter holds"));
}

TEST_CASE("no store touches the memory of the rings", "[order]") {
  const auto with = [](std::uint32_t address) {
    Ring ring;
    ring.step().tile_ring_address = 8192;
    ring.step().memory_bytes = 16384;
    ring.add(store(0, 2, address));
    return ring;
  };
  CHECK(with(8192 - 256).finding().empty());
  CHECK(with(8192 - 128).finding() ==
        "command 0 (store) writes bytes 0x2000 to 0x207f of device memory, where the rings of "
        "commands and of streamed weights lie");
  CHECK(with(16384).finding().empty());
}

TEST_CASE("of many findings a few are told", "[order]") {
  Ring ring;
  for (int i = 0; i < 100; ++i) ring.add(load(0, 8)).add(store(0, 8));
  CHECK(ring.unordered().size() == 4);
}

// ---- compiled steps

namespace {

constexpr std::size_t kMostCommands = 1024;
using Commands = std::bitset<kMostCommands>;

struct Compiled {
  std::string text;
  Graph graph;
  CompiledStep step;
  MachineShape machine;
};

int unit_of(const CompiledCommand& command) {
  switch (command.words[0] & 0xff) {
    case LoadCommand::kOpcode:
    case LoadQuantizedCommand::kOpcode:
    case LoadScalesCommand::kOpcode:
    case GatherCommand::kOpcode:
      return 0;
    case GemmCommand::kOpcode:
      return 1;
    case VectorCommand::kOpcode:
      return 2;
    case StoreCommand::kOpcode:
    case ScatterCommand::kOpcode:
      return 3;
    default:
      return -1;
  }
}

bool meet(const Use& a, const Use& b, const MachineShape& machine) {
  if (a.storage != b.storage) return false;
  if ((a.write || b.write) && a.begin < b.end && b.begin < a.end) return true;
  if (a.write != b.write || a.storage > Storage::kAccumulator) return false;
  const std::int64_t bank = a.storage == Storage::kScratchpad
                                ? scratchpad_lines(machine) / machine.scratchpad_banks
                                : accumulator_lines(machine) / machine.accumulator_banks;
  return a.begin / bank <= (b.end - 1) / bank && b.begin / bank <= (a.end - 1) / bank;
}

struct Pair {
  std::size_t first = 0, second = 0;
};

// Of different units, or a load of indices and a gather.
std::vector<Pair> meeting(const Compiled& compiled) {
  Footprints footprints(compiled.step, compiled.machine);
  std::vector<std::vector<Use>> uses;
  for (const CompiledCommand& command : compiled.step.commands)
    uses.push_back(footprints.next(command.words));
  std::vector<Pair> pairs;
  for (std::size_t second = 0; second < uses.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) {
      const bool other =
          unit_of(compiled.step.commands[first]) != unit_of(compiled.step.commands[second]);
      const bool meets = std::any_of(uses[first].begin(), uses[first].end(), [&](const Use& a) {
        return std::any_of(uses[second].begin(), uses[second].end(), [&](const Use& b) {
          return (other || (a.storage == Storage::kIndices && a.write && !b.write)) &&
                 meet(a, b, compiled.machine);
        });
      });
      if (meets) pairs.push_back({first, second});
    }
  }
  return pairs;
}

// What is complete when each command starts, by all chains of tokens; the compiler says which
// command each is of. One token is left out.
std::vector<Commands> complete_at_starts(const CompiledStep& step, const Pair& left_out) {
  std::vector<Commands> started(step.commands.size()), ended(step.commands.size());
  std::array<std::size_t, 4> last{};  // of each unit, if it has one
  std::array<bool, 4> has_last{};
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    const int number = unit_of(step.commands[i]);
    if (number < 0) continue;  // the halt
    const auto unit = static_cast<std::size_t>(number);
    if (has_last[unit]) started[i] = started[last[unit]];
    for (const std::int32_t giver : step.commands[i].waits_for) {
      if (giver < 0) continue;
      const auto from = static_cast<std::size_t>(giver);
      if (from != left_out.first || i != left_out.second) started[i] |= ended[from];
    }
    ended[i] = started[i];
    if (has_last[unit]) ended[i] |= ended[last[unit]];
    ended[i].set(i);
    last[unit] = i;
    has_last[unit] = true;
  }
  return started;
}

bool all_ordered(const std::vector<Pair>& pairs, const std::vector<Commands>& started) {
  return std::all_of(pairs.begin(), pairs.end(),
                     [&](const Pair& pair) { return started[pair.second].test(pair.first); });
}

// Tokens without which two commands that meet are unordered; those that others imply; and those
// that order what does not meet: the compiler sees lines and memory in larger pieces.
struct Removals {
  int needed = 0, implied = 0, needless = 0;
};

// Takes away each token by itself: its wait, its signal, or both.
Removals remove_each(const Compiled& compiled) {
  INFO(compiled.text);
  REQUIRE(compiled.step.commands.size() <= kMostCommands);
  CHECK(unordered(compiled.step, compiled.graph, compiled.machine).empty());
  const std::vector<Pair> pairs = meeting(compiled);
  constexpr Pair kNothing{kMostCommands, kMostCommands};
  CHECK(all_ordered(pairs, complete_at_starts(compiled.step, kNothing)));
  CompiledStep step = compiled.step;
  const auto is_ordered = [&] { return unordered(step, compiled.graph, compiled.machine).empty(); };
  Removals sum;
  for (std::size_t taker = 0; taker < step.commands.size(); ++taker) {
    for (std::size_t from = 0; from < kEngines; ++from) {
      if (step.commands[taker].waits_for[from] < 0) continue;
      const auto giver = static_cast<std::size_t>(step.commands[taker].waits_for[from]);
      INFO("the token of command " << giver << " to command " << taker);
      const std::uint32_t bit = step.commands[taker].words[1] & 0xfu << kEngines * from;
      const auto toggle = [&](std::size_t command, std::uint32_t bits) {
        step.commands.change(command, [&](CompiledCommand& c) { c.words[1] ^= bits; });
      };
      REQUIRE(bit != 0);
      REQUIRE((step.commands[giver].words[1] & bit << 16) != 0);
      toggle(taker, bit);
      CHECK_FALSE(is_ordered());  // one is left over
      toggle(giver, bit << 16);
      const std::vector<Commands> started = complete_at_starts(step, {giver, taker});
      const bool ordered = is_ordered();
      CHECK(ordered == all_ordered(pairs, started));
      ++(!ordered ? sum.needed : started[taker].test(giver) ? sum.implied : sum.needless);
      toggle(taker, bit);
      CHECK_FALSE(is_ordered());  // one is missing
      toggle(giver, bit << 16);
    }
  }
  return sum;
}

MachineShape small_machine() {
  MachineShape shape = test::narrow_machine();
  shape.scratchpad_kib = shape.accumulator_kib = 16;
  return shape;
}

Compiled compiled_layer() {
  LinearLayer layer;
  layer.tokens = 10;
  layer.in = 40;
  layer.out = 36;
  layer.has_bias = true;
  layer.lora = {16, 3, false};
  Compiled compiled{"a LoRA layer", {}, {}, small_machine()};
  TrainingProgram program = linear_layers({layer});
  CompilerConfig limits;
  limits.rehearse = false;
  limits.block_columns = 32;
  compiled.step = compile(program, compiled.machine, limits, 64 << 20);
  compiled.graph = std::move(program.graph);
  return compiled;
}

// The first graphs of a seed that have so few commands.
std::vector<Compiled> compiled_graphs(std::uint64_t seed, std::size_t count,
                                      std::size_t most_commands) {
  CaseSource source;
  source.machines = {small_machine()};
  source.drams = dram_memories();
  std::vector<Compiled> all;
  for (int number = 0; all.size() < count; ++number) {
    GraphCase drawn = make_graph_case(source, seed, number);
    drawn.config.compiler.rehearse = false;
    CompiledStep step = compile_for(drawn.config, drawn.program);
    if (step.commands.size() > most_commands) continue;
    all.push_back(
        {describe(drawn), std::move(drawn.program.graph), std::move(step), drawn.config.machine});
  }
  return all;
}

}  // namespace

TEST_CASE("of compiled steps each token is needed, or known not to be", "[order]") {
  std::vector<Compiled> all = compiled_graphs(3, 4, 400);
  all.push_back(compiled_layer());
  for (const Compiled& compiled : all) {
    const Removals sum = remove_each(compiled);
    INFO(compiled.text << ": " << sum.needed << " tokens are needed, " << sum.implied
                       << " implied, " << sum.needless << " needless");
    CHECK(sum.needed > sum.implied + sum.needless);
  }
}
