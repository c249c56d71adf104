#include "host/energy/actions.h"

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

}  // namespace

const std::vector<EnergyAction>& energy_actions() {
  static const std::vector<EnergyAction> actions = [] {
    std::vector<EnergyAction> all = {{"bf16_multiply", kOperation, multiply_accumulates}};
    add_counted(all);
    all.insert(all.end(),
               {{"scratchpad_read_byte", kByte, counted<Counter::kScratchpadReadBytes>},
                {"scratchpad_write_byte", kByte, counted<Counter::kScratchpadWriteBytes>},
                {"accumulator_read_byte", kByte, counted<Counter::kAccumulatorReadBytes>},
                {"accumulator_write_byte", kByte, counted<Counter::kAccumulatorWriteBytes>},
                {"dram_byte", kByte, memory_bytes, true},
                {"link_byte", kByte, link_bytes}});
    return all;
  }();
  return actions;
}

}  // namespace corank
