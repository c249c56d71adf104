// RTL = bit-exact reference, on random layers, machines, memories, block sizes and stalls.
//   CORANK_CASES   number of cases (default 200)
//   CORANK_FIRST   number of the first one (default 0), so that processes can share a run
//   CORANK_SEED    seed of the run (default 1)
//   CORANK_CASE    runs this case alone
//   CORANK_CYCLES  bound of the estimated cycles of a case (default 30000)
//   CORANK_MACHINE "3x5": only the cases of this machine, which alone is built
//   CORANK_SIZES   "all": any size up to 257; default: those at the edges of the array
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "sim/machine/build.h"
#include "tests/end_to_end/layer_case.h"

using namespace corank;
using namespace corank::test;

namespace {

std::int64_t setting(const char* name, std::int64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoll(text) : fallback;
}

// One element in 16 of the array's operands becomes any 16 bits: subnormal, infinite, a NaN with
// any payload, a number whose products overflow. Returns how many are no finite numbers.
std::size_t scatter_any_bits(LayerCase& layer) {
  std::mt19937_64 random(layer.seed);
  std::size_t not_numbers = 0;
  for (auto& [name, tensor] : layer.inputs) {
    if (tensor.dtype != DType::BF16) continue;
    for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
      if (random() % 16 != 0) continue;
      const auto bits = static_cast<std::uint16_t>(random());
      tensor.data<std::uint16_t>()[i] = bits;
      not_numbers += (bits & 0x7F80) == 0x7F80;
    }
  }
  return not_numbers;
}

std::string first_difference(const std::string& one, const std::string& other) {
  std::istringstream ones(one), others(other);
  for (std::string a, b; std::getline(ones, a) && std::getline(others, b);) {
    if (a == b) continue;
    std::size_t at = 0;
    while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
    return a.substr(0, a.find(':')) + ", character " + std::to_string(at) + ": " +
           a.substr(at, 24) + " and " + b.substr(at, 24);
  }
  return "";
}

}  // namespace

TEST_CASE("random layers are bit-exact on every machine", "[end_to_end]") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const auto cases = static_cast<int>(setting("CORANK_CASES", 200));
  const auto first = static_cast<int>(setting("CORANK_FIRST", 0));
  const std::int64_t most_cycles = setting("CORANK_CYCLES", 30000);
  const auto alone = static_cast<int>(setting("CORANK_CASE", -1));
  const char* named = std::getenv("CORANK_SIZES");
  const Sizes sizes = named != nullptr && std::string(named) == "all" ? Sizes::kAll : Sizes::kEdges;
  const char* machine_named = std::getenv("CORANK_MACHINE");
  const auto is_wanted = [&](const MachineShape& machine) {
    return machine_named == nullptr || machine_named == std::to_string(machine.array_rows) + "x" +
                                                            std::to_string(machine.array_columns);
  };
  for (const MachineShape& machine : test_machines()) {
    if (is_wanted(machine)) machine_library(machine);
  }

  int finite = 0, run = 0;
  std::set<std::string> pairs;
  for (int number = alone < 0 ? first : alone; number < (alone < 0 ? first + cases : alone + 1);
       ++number) {
    const LayerCase layer = make_case(seed, number, most_cycles, sizes);
    if (!is_wanted(layer.config.machine)) continue;
    ++run;
    INFO(describe(layer, number) << "; replay with CORANK_SEED=" << seed
                                 << " CORANK_CYCLES=" << most_cycles
                                 << " CORANK_SIZES=" << (sizes == Sizes::kAll ? "all" : "edges")
                                 << " CORANK_CASE=" << number);
    const CaseResult result = run_case(layer);
    INFO(result.message);
    CHECK(result.equal);
    finite += result.finite ? 1 : 0;
    const MachineShape& machine = layer.config.machine;
    const auto pair = [&](const char* what, std::int64_t a, std::int64_t b) {
      pairs.insert(std::to_string(machine.array_rows) + what +
                   std::to_string(static_cast<int>(remainder_of(a, machine.array_rows))) +
                   std::to_string(static_cast<int>(remainder_of(b, machine.array_columns))));
    };
    pair(" in, out ", layer.step.in, layer.step.out);
    pair(" tokens, r ", layer.step.tokens, layer.step.lora.rank);
  }
  if (alone < 0) {
    INFO("seed " << seed);
    CHECK(run > 0);
    if (machine_named == nullptr) CHECK(finite * 10 >= cases * 9);
    // 1x1 has one pair of remainders, 3x5 has 3 x 4 (1, -1 and 0 are all that 3 has), the
    // others 16.
    if (cases >= 160 && sizes == Sizes::kEdges && machine_named == nullptr)
      CHECK(pairs.size() >= 2 * (1 + 12 + 16 + 16 + 16));
  }
}

TEST_CASE("with the host-float MAC every result and every counter is that of the bit-level one",
          "[end_to_end]") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  std::size_t not_numbers = 0;
  for (int number = 0; number < 25; ++number) {
    LayerCase layer = make_case(seed, number, 10000);
    if (number % 2 == 1) not_numbers += scatter_any_bits(layer);
    INFO(describe(layer, number) << "; replay with CORANK_SEED=" << seed);
    const std::string bit_level = run_and_record(layer);
    layer.config.machine.mac = "host-float";
    const std::string host_float = run_and_record(layer);
    INFO(first_difference(bit_level, host_float));
    CHECK(bit_level == host_float);
  }
  CHECK(not_numbers > 0);  // else the special values were not there
}

TEST_CASE("one layer gives the same bits on every machine, with any block size and limit",
          "[end_to_end]") {
  const LayerCase model = make_case(77, 3, 30000);
  for (const MachineShape& machine : test_machines()) {
    for (const int block : {0, 64}) {
      LayerCase layer = model;
      layer.config.machine = machine;
      layer.config.compiler = {};
      layer.config.compiler.block_rows = block / 4;
      layer.config.compiler.block_columns = block;
      layer.config.compiler.block_depth = block;
      if (block != 0) layer.config.compiler.accumulator_kib = machine.accumulator_kib / 2;
      INFO(describe(layer, 3));
      const CaseResult result = run_case(layer);  // all are compared with the one reference
      INFO(result.message);
      CHECK(result.equal);
    }
  }
}
