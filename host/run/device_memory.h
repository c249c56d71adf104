// Device memory by what lies in it.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/report/device_report.h"
#include "host/run/alive_values.h"

namespace corank {

/// Every byte of a plan's values, padding and programs included, with one role each. Of the place
/// that intermediates share: what of it is alive in the fullest stage, and the gaps there, which
/// come last.
std::vector<RoleBytes> values_by_role(const Plan& plan, const Graph& graph);
/// Every byte up to step.memory_bytes: with the rings.
std::vector<RoleBytes> memory_by_role(const CompiledStep& step, const Graph& graph);

/// The same bytes at a moment when so much is alive.
std::vector<RoleBytes> memory_when(std::vector<RoleBytes> memory, const AliveBytes& alive);

/// What packed weights take as the device has them, scales, padding and tables included, beside
/// what they take as they are stored and in BF16; "": nothing is packed.
std::string packed_bytes_text(const Plan& plan, const Graph& graph);

/// "frozen 4096, adapter 128, ...", in bytes: for messages.
std::string to_text(const std::vector<RoleBytes>& roles);

/// For a program that does not fit: what its values take by their shapes alone, without padding.
/// Streamed weights take nothing of it.
std::string bytes_by_role_text(const TrainingProgram& program, bool streamed);

}  // namespace corank
