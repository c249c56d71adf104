// The page of a sweep, and of two that are compared.
#pragma once

#include "host/pages/page.h"
#include "host/sweep/sweep_table.h"

namespace corank {

/// `other`: a second sweep, drawn over the first; nullptr: none. Throws InputError if it has not
/// the first one's objectives, and for rows without values of all axes and objectives.
Page sweep_page(const SweepTable& table, const SweepTable* other = nullptr);

/// What the pictures that answer to the user need of it: columns, of at most `most_rows` designs
/// (the front, then those that were run, then the others), and how many were left out.
nlohmann::ordered_json sweep_data(const SweepTable& table, std::size_t most_rows,
                                  std::size_t& left_out);

}  // namespace corank
