// Where the time, the bytes and the energy of a model's step went: by layer, by what the work is to
// the model, and by pass. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "models/graph/graph.h"
#include "sim/machine/shape.h"

namespace corank {

inline double pes_of(const MachineShape& machine) {
  return machine.array_rows * machine.array_columns;
}

enum class WorkKind {
  kFrozen,     // products with frozen weights
  kAdapter,    // the adapter's products, masters and dropout, gradients of what is trained beside
  kAttention,  // heads, rotary embedding, scores, softmax, context
  kNorm,
  kActivation,
  kResidual,  // sums of streams, and what is none of the others
  kHead,      // embedding, head and loss
  kUpdate,    // clipping and the optimizer
};
inline constexpr std::array<const char*, 8> kWorkKindNames = {
    "frozen", "adapter", "attention", "norm", "activation", "residual", "head and loss", "update"};

/// What an op is to the model. Of a product with several terms: what the first one is.
WorkKind work_kind_of(const Graph& graph, const Op& op);
/// What a product with this part of the model is.
WorkKind work_kind_of(Part part);

struct WorkKey {
  int layer = -1;  // -1: none of the layers
  WorkKind kind = WorkKind::kResidual;
  Pass pass = Pass::kForward;
};
bool operator<(const WorkKey& a, const WorkKey& b);

/// Each cycle of the step belongs to one key: to the product whose rows the array takes in; if it
/// takes in none, to the op that the vector unit works on; if neither works, to the op of the
/// array's next command, or behind the last product of the next one to end.
struct Work {
  std::uint64_t array_cycles = 0;    // the array takes in rows
  std::uint64_t vector_cycles = 0;   // it does not, and the vector unit works
  std::uint64_t waiting_cycles = 0;  // neither does
  std::uint64_t macs = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;  // by the accelerator, of device memory
  // Of the step's time. What is counted of a key's own commands is its own; of the rest, what
  // memory and link took goes by bytes, what flows all the time (clock, leakage, standby) by
  // cycles.
  double energy_pj = 0;

  std::uint64_t cycles() const { return array_cycles + vector_cycles + waiting_cycles; }
  Work& operator+=(const Work& other);
};

using StepWorkByKey = std::map<WorkKey, Work>;

/// What most of the cycles went to: "the array", "the vector unit", "waiting for memory and order".
const char* bound_of(const Work& work);

nlohmann::ordered_json to_json(const StepWorkByKey& work, double pes);
/// Tables by kind and pass, and by layer, for the terminal, with what bounds each; `pes`: of the
/// array.
std::string work_lines(const StepWorkByKey& work, double pes);

}  // namespace corank
