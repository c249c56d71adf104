// Device memory by what lies in it.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/report/device_report.h"

namespace corank {

/// Every byte of a plan's values, padding and programs included, with one role each.
std::vector<RoleBytes> values_by_role(const Plan& plan, const Graph& graph);
/// Every byte up to step.memory_bytes: behind the values the rings.
std::vector<RoleBytes> memory_by_role(const CompiledStep& step, const Graph& graph);

/// "frozen 4096, adapter 128, ...", in bytes: for messages.
std::string to_text(const std::vector<RoleBytes>& roles);

/// For a program that does not fit: what its values take by their shapes alone, without padding.
/// Streamed weights take nothing of it.
std::string bytes_by_role_text(const TrainingProgram& program, bool streamed);

}  // namespace corank
