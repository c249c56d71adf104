// RTL = bit-exact reference, on random layers, machines, memories, block sizes and stalls: cases
// that are longer than those of tests/sim/cycle, which has more of them.
//   CORANK_CASES   number of cases (default 60)
//   CORANK_FIRST   number of the first one (default 0), so that processes can share a run
//   CORANK_SEED    seed of the run (default 1)
//   CORANK_CASE    runs this case alone
//   CORANK_CYCLES  bound of the estimated cycles of a case (default 60000)
//   CORANK_SHAPE   "3x5": only the cases of this machine, which alone is built
//   CORANK_SIZES   "all": any size up to 257; default: those at the edges of the array
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <string>

#include "host/verify/comparison.h"
#include "host/verify/run_case.h"
#include "models/base/error.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

// One element in 16 of the array's operands becomes any 16 bits: subnormal, infinite, a NaN with
// any payload, a number whose products overflow. Returns how many are no finite numbers.
std::size_t scatter_any_bits(LayerCase& layer) {
  std::mt19937_64 random(layer.seed);
  std::size_t not_numbers = 0;
  const auto scatter = [&](TensorMap& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (tensor.dtype != DType::BF16) continue;
      for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
        if (random() % 16 != 0) continue;
        const auto bits = static_cast<std::uint16_t>(random());
        tensor.data<std::uint16_t>()[i] = bits;
        not_numbers += (bits & 0x7F80) == 0x7F80;
      }
    }
  };
  scatter(layer.given);
  for (TensorMap& feeds : layer.feeds) scatter(feeds);
  return not_numbers;
}

// What the RTL does that it must not; "" if all is right.
std::string differences_of(const CompiledCase& compiled) {
  try {
    const std::string& library = library_of(compiled.drawn.config.machine);
    return differences(compiled, run_case(compiled, Fidelity::kRtl, library).steps);
  } catch (const MachineError& error) {
    return error.what();
  }
}

void tell_run(const LayerCase& layer, const EventSink& tell) {
  const CompiledCase compiled(layer);
  const SimulatedCase run =
      run_case(compiled, Fidelity::kRtl, library_of(layer.config.machine), observe(tell));
  tell_outcome(run, tell);
}

}  // namespace

TEST_CASE("random layers are bit-exact on every machine", "[end_to_end]") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const auto cases = static_cast<int>(setting("CORANK_CASES", 60));
  const auto first = static_cast<int>(setting("CORANK_FIRST", 0));
  const std::int64_t most_cycles = setting("CORANK_CYCLES", 60000);
  const auto alone = static_cast<int>(setting("CORANK_CASE", -1));
  const char* named = std::getenv("CORANK_SIZES");
  const Sizes sizes = named != nullptr && std::string(named) == "all" ? Sizes::kAll : Sizes::kEdges;
  const char* machine_named = std::getenv("CORANK_SHAPE");
  const auto is_wanted = [&](const MachineShape& machine) {
    return machine_named == nullptr || machine_named == std::to_string(machine.array_rows) + "x" +
                                                            std::to_string(machine.array_columns);
  };
  const CaseSource source = test_cases(most_cycles, sizes);
  DeviceCount devices;
  int finite = 0, run = 0;
  for (int number = alone < 0 ? first : alone; number < (alone < 0 ? first + cases : alone + 1);
       ++number) {
    const LayerCase layer = make_case(source, seed, number);
    const CompiledCase compiled(layer);
    if (!is_wanted(layer.config.machine)) continue;
    ++run;
    INFO(describe(layer) << "; replay with CORANK_SEED=" << seed << " CORANK_CYCLES=" << most_cycles
                         << " CORANK_SIZES=" << (sizes == Sizes::kAll ? "all" : "edges")
                         << " CORANK_CASE=" << number);
    CHECK(differences_of(compiled) == "");
    finite += compiled.finite ? 1 : 0;
    devices.add(layer);
  }
  if (alone < 0) {
    INFO("seed " << seed);
    CHECK(run > 0);
    if (machine_named != nullptr) return;
    CHECK(finite * 10 >= cases * 9);
    if (cases >= 60) {
      INFO(devices.text());
      CHECK(devices.least() >= 1);
    }
  }
}

TEST_CASE("with the host-float MAC every result and every counter is that of the bit-level one",
          "[end_to_end]") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const CaseSource source = test_cases(20000);
  std::size_t not_numbers = 0;
  for (int number = 0; number < 25; ++number) {
    LayerCase layer = make_case(source, seed, number);
    if (number % 2 == 1) not_numbers += scatter_any_bits(layer);
    INFO(describe(layer) << "; replay with CORANK_SEED=" << seed);
    Comparison comparison({"bit-level", "host-float"});
    for (const Side side : {Side::kRtl, Side::kCycle}) {
      layer.config.machine.mac = side == Side::kRtl ? "bit-level" : "host-float";
      tell_run(layer, [&](EventKind kind, std::string line) {
        comparison.take(side, kind, std::move(line));
      });
      comparison.end(side);
    }
    CHECK(comparison.difference() == "");
    CHECK(comparison.equal(EventKind::kResult) > 0);
  }
  CHECK(not_numbers > 0);  // else the special values were not there
}

TEST_CASE("one layer gives the same bits on every machine, with any block size and limit",
          "[end_to_end]") {
  const LayerCase model = make_case(test_cases(60000), 77, 3);
  for (const MachineShape& machine : test_machines()) {
    for (const int block : {0, 64}) {
      LayerCase layer = model;
      layer.config.machine = machine;
      layer.config.compiler = {};
      layer.config.compiler.block_rows = block / 4;
      layer.config.compiler.block_columns = block;
      layer.config.compiler.block_depth = block;
      if (block != 0) layer.config.compiler.accumulator_kib = machine.accumulator_kib / 2;
      INFO(describe(layer));
      CHECK(differences_of(CompiledCase(layer)) == "");  // all have one reference
    }
  }
}
