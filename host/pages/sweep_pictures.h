// The pictures of a sweep that need no answer to the user.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/pages/page.h"
#include "host/sweep/sweep_table.h"

namespace corank {

/// objective_text() (host/sweep/sweep_text.h), with "mm²".
std::string objective_on_page(Objective objective, double value);

/// The last two parts of its path.
std::string axis_label(const SweepAxis& axis);

/// The design that its neighbours are compared with: on the front, with the least product of its
/// objectives over the least of each; of equal ones the first. None was run: nothing.
std::optional<std::size_t> middle_of_front(const SweepTable& table);

/// What changes if one axis alone is changed (Tornado), around a row of the table; and the first
/// objective over the two axes that matter most. Nothing if no neighbour is known.
std::optional<Figure> tornado_figure(const SweepTable& table, std::size_t row);
std::optional<Figure> heat_map_figure(const SweepTable& table, std::size_t row);

/// Bytes of device memory moved, over bytes of local memory (figures memory_bytes, local_bytes).
std::optional<Figure> ski_slope_figure(const SweepTable& table);

/// How the front came to be: hypervolume and what was pruned, after so many exact runs.
std::optional<Figure> progress_figure(const SweepTable& table);
/// Estimates and lower bounds of time against exact runs, by what bounds those.
std::optional<Figure> errors_figure(const SweepTable& table);

}  // namespace corank
