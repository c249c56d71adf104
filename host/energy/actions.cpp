#include "host/energy/actions.h"

#include <algorithm>

#include "host/cost/cost.h"

namespace corank {
namespace {

using interface::Counter;

constexpr const char* kOperation = "operation";
constexpr const char* kByte = "byte";

template <Counter counter>
double counted(const EnergyMeasurement& m) {
  return static_cast<double>(at(m.counters, counter));
}

/// A multiply-accumulate is one BF16 multiplication and one FP32 addition.
double multiply_accumulates(const EnergyMeasurement& m) {
  double macs = 0;
  for (std::size_t kind = 0; kind < interface::kGemmKinds; ++kind)
    macs += static_cast<double>(m.counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind]);
  return macs;
}

/// Those that the interface names at a counter. The array adds too.
void add_counted(std::vector<EnergyAction>& actions) {
  for (const interface::CountedAction& one : interface::kCountedActions) {
    const bool in_the_array = one.counter == Counter::kVectorAdds;
    actions.push_back({one.action, kOperation, [=](const EnergyMeasurement& m) {
                         return static_cast<double>(at(m.counters, one.counter)) +
                                (in_the_array ? multiply_accumulates(m) : 0);
                       }});
  }
}

double memory_bytes(const EnergyMeasurement& m) { return static_cast<double>(m.memory_bytes); }
double link_bytes(const EnergyMeasurement& m) { return static_cast<double>(m.link_bytes); }

double flip_flop_cycles(const EnergyMeasurement& m) { return m.silicon.flops * m.cycles; }
double logic_mm2_ns(const EnergyMeasurement& m) { return m.silicon.logic_mm2 * m.ns; }
double memory_kib_ns(const EnergyMeasurement& m) { return m.silicon.memory_kib() * m.ns; }

template <Counter counter>
EnergyAction macro_access(const char* name, const char* unit, bool writes) {
  return {name, kByte, counted<counter>, EnergyPart::kDynamic, {unit, writes}};
}

}  // namespace

const std::vector<EnergyAction>& energy_actions() {
  static const std::vector<EnergyAction> actions = [] {
    std::vector<EnergyAction> all = {{"bf16_multiply", kOperation, multiply_accumulates}};
    add_counted(all);
    all.insert(all.end(),
               {macro_access<Counter::kScratchpadReadBytes>("scratchpad_read_byte", kScratchpadUnit,
                                                            false),
                macro_access<Counter::kScratchpadWriteBytes>("scratchpad_write_byte",
                                                             kScratchpadUnit, true),
                macro_access<Counter::kAccumulatorReadBytes>("accumulator_read_byte",
                                                             kAccumulatorUnit, false),
                macro_access<Counter::kAccumulatorWriteBytes>("accumulator_write_byte",
                                                              kAccumulatorUnit, true),
                {"dram_byte", kByte, memory_bytes, EnergyPart::kDynamic, {}, true},
                {"link_byte", kByte, link_bytes},
                {"flip_flop_clock", "flip-flop cycle", flip_flop_cycles, EnergyPart::kClock},
                {"logic_leakage", "mm2 ns", logic_mm2_ns, EnergyPart::kLeakage},
                {"memory_leakage", "KiB ns", memory_kib_ns, EnergyPart::kLeakage}});
    return all;
  }();
  return actions;
}

const EnergyAction* find_energy_action(const std::string& name) {
  const std::vector<EnergyAction>& all = energy_actions();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const EnergyAction& action) { return action.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace corank
