// A sweep's table as JSON, a list a column: pandas.DataFrame(json["rows"]) takes it.
#pragma once

#include <nlohmann/json.hpp>

#include "host/sweep/sweep_table.h"

namespace corank {

nlohmann::ordered_json to_json(const SweepTable& table);
/// Throws InputError for what to_json() did not write.
SweepTable sweep_table_of(const nlohmann::json& json);

}  // namespace corank
