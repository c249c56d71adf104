// What a ring of commands must cost in everything that the device counts except time, worked out
// from the commands alone. A run compares the device's counters with it: a difference is a defect
// of the device, of a counter, or of this page.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "host/compiler/compiler.h"
#include "rtl/interface/interface.h"

namespace corank {

/// Expected values of every counter that does not count cycles. `burst_beats` is the register's
/// setting.
std::map<interface::Counter, std::uint64_t> account(const CompiledStep& step,
                                                    const MachineShape& machine, int burst_beats);

/// The same of each of so many groups of commands, without the counters that stay zero. group_of()
/// tells which one a command belongs to.
std::vector<std::map<interface::Counter, std::uint64_t>> account_by(
    const CompiledStep& step, const MachineShape& machine, int burst_beats, std::size_t groups,
    const std::function<std::size_t(const CompiledCommand&)>& group_of);

}  // namespace corank
