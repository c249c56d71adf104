// What the workers of a sweep are asked for, in files: FOLDER/plan.json, and for each chunk of its
// jobs the folder that the worker which takes it makes. Who has made it works on the chunk; whether
// it is done, the store alone says.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/sweep/engine.h"

namespace corank {

struct WorkPlan {
  JobContext context;  // its folder is where the plan lies
  std::vector<Job> jobs;
  std::size_t chunk = 1;  // jobs that are taken at once
  int round = 0;          // claims of earlier ones mean nothing
};

/// Gives the plan a round of its own.
void write_plan(WorkPlan plan);
/// Throws InputError: there is none, or it is none.
WorkPlan read_plan(const std::string& folder);

/// Whether this caller is the first one who asks for the chunk.
bool claim(const WorkPlan& plan, std::size_t chunk);

}  // namespace corank
