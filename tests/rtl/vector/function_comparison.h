// Functions of the reference, as programs, on the verilated vector unit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/host/compiler/recorded_functions.h"
#include "tests/rtl/vector/vector_machine.h"

namespace corank::vector_test {

/// Runs the function on FP32 numbers, the bits of which `number` gives for 0, 1, ... `count` - 1,
/// and compares every result's bits with the reference's. The first difference, "": there is none.
std::string difference_on_rtl(VectorMachine& machine, const test::RecordedFunction& function,
                              std::uint64_t count,
                              const std::function<std::uint32_t(std::uint64_t)>& number);

}  // namespace corank::vector_test
