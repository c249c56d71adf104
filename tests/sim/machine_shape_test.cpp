#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "sim/machine/recipe.h"
#include "sim/machine/shape.h"

using namespace corank;

namespace {

/// With another value of this parameter, one that its range has.
MachineShape with_other(const MachineParameter& parameter) {
  MachineShape shape;
  int& value = shape.*parameter.value;
  value = parameter.power_of_two ? value * 2 : value + 1;
  if (value > parameter.most) value = parameter.least;
  REQUIRE(value >= parameter.least);
  return shape;
}

}  // namespace

TEST_CASE("the tables of a machine's shape have every member, each once") {
  MachineShape shape;
  // A new member does not compile here until it is named.
  const auto& [array_rows, array_columns, vector_lanes, scratchpad_kib, scratchpad_banks,
               accumulator_kib, accumulator_banks, axi_data_bits, queue_depth, parity, decoder,
               mac] = shape;
  const std::multiset<const void*> members = {
      &array_rows,       &array_columns,   &vector_lanes,      &scratchpad_kib,
      &scratchpad_banks, &accumulator_kib, &accumulator_banks, &axi_data_bits,
      &queue_depth,      &parity,          &decoder,           &mac};
  std::multiset<const void*> listed;
  for (const MachineParameter& parameter : kMachineParameters)
    listed.insert(&(shape.*parameter.value));
  for (const MachineChoice& choice : kMachineChoices) listed.insert(&(shape.*choice.value));
  CHECK(listed == members);
}

TEST_CASE("a machine's presets are within their ranges") {
  const MachineShape shape;
  for (const MachineParameter& parameter : kMachineParameters) {
    INFO(parameter.key);
    const int value = shape.*parameter.value;
    CHECK(value >= parameter.least);
    CHECK(value <= parameter.most);
    if (parameter.power_of_two) CHECK((value & (value - 1)) == 0);
  }
  for (const MachineChoice& choice : kMachineChoices)
    CHECK(shape.*choice.value == choice.options.front());
}

TEST_CASE("what is built in makes another machine, by its parameter's name and value") {
  const std::string usual = key_of(read_recipe({}, false));
  CHECK(key_of(read_recipe({}, false)) == usual);
  std::set<std::string> keys = {usual};
  for (const MachineParameter& parameter : kMachineParameters) {
    INFO(parameter.parameter);
    CHECK(keys.insert(key_of(read_recipe(with_other(parameter), false))).second);
  }
  for (const MachineChoice& choice : kMachineChoices) {
    MachineShape shape;
    shape.*choice.value = choice.options.back();
    CHECK(keys.insert(key_of(read_recipe(shape, false))).second);
  }
}

TEST_CASE("a device tells every parameter of its machine by a register") {
  for (const MachineParameter& parameter : kMachineParameters) {
    INFO(parameter.name);
    int told = 0;
    for (const MachineRegister& built : kMachineRegisters)
      if (built.value(with_other(parameter)) != built.value({})) ++told;
    CHECK(told > 0);
  }
}

TEST_CASE("the registers of the default machine") {
  // 64 KiB of lines of 8 BF16 and of 8 FP32 elements; a decoder of packed weights.
  const std::vector<std::pair<std::string, std::uint32_t>> expected = {
      {"identity", 0x434F524B},       {"interface_version", 1},
      {"array_shape", 8u << 16 | 8u}, {"lanes", 1u << 31 | 8u << 16 | 8u},
      {"scratchpad_lines", 4096},     {"accumulator_lines", 2048},
      {"banks", 4u << 16 | 8u},       {"axi_shape", 4u << 16 | 128u}};
  REQUIRE(kMachineRegisters.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(kMachineRegisters[i].name == expected[i].first);
    CHECK(kMachineRegisters[i].offset == 4 * i);
    CHECK(kMachineRegisters[i].value({}) == expected[i].second);
  }
}
