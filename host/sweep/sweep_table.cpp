#include "host/sweep/sweep_table.h"

#include <algorithm>

namespace corank {

std::vector<const SweepRow*> front_rows(const SweepTable& table) {
  std::vector<const SweepRow*> front;
  for (const SweepRow& row : table.rows)
    if (row.on_front) front.push_back(&row);
  std::stable_sort(front.begin(), front.end(), [](const SweepRow* a, const SweepRow* b) {
    return a->objectives < b->objectives;
  });
  return front;
}

std::string bound_kind(const std::string& bound_by) {
  return bound_by.substr(0, bound_by.find_first_of(",:"));
}

}  // namespace corank
