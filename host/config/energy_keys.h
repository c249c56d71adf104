// The keys of an energy table in the configuration.
#pragma once

#include <string>
#include <vector>

#include "host/config/schema.h"
#include "models/energy/energy.h"

namespace corank {

Key energy_section(EnergyConfig& energy);

/// What no single key can know of the table: units, figures given twice or outside of their span,
/// keys that belong to memories. Throws InputError. A figure without a span gets that of a single
/// source.
void finish_energy(EnergyConfig& energy, const YamlNode& root);

/// How a figure was got.
std::vector<std::string> energy_qualities();

/// Throws InputError at the span if it does not contain the figure, whose key is `key`.
void check_span(const YamlNode& span, const std::string& path, const std::string& key, double pj,
                double low_pj, double high_pj);

}  // namespace corank
