// What recomputation saves of device memory, as the compiler plans it.
#include <catch2/catch.hpp>

#include "host/run/device_memory.h"
#include "host/run/simulate.h"
#include "models/program/transformer_program.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"

using namespace corank;

namespace {

struct Planned {
  std::uint64_t activations = 0;  // what the stash and all others have together
  StepAccount account;
};

/// A step of a LLaMA with adapters of rank 2 on all linears of its layers.
Planned planned(std::int64_t layers, std::int64_t heads, std::int64_t sequence,
                RecomputePolicy policy) {
  LlamaShape shape;
  shape.vocabulary = 32;
  shape.hidden = 64;
  shape.intermediate = 160;
  shape.layers = layers;
  shape.heads = shape.kv_heads = heads;
  shape.head_dim = 64 / heads;
  Transformer transformer = build_llama(shape, 1, sequence);
  test::adapt_layers(transformer);
  const TransformerProgram built = transformer_program(transformer, {}, policy);
  Config config;
  config.compiler.rehearse = false;
  const CompiledStep step = compile_for(config, built.program);
  Planned found;
  found.account = built.account;
  for (const RoleBytes& role : memory_by_role(step, built.program.graph))
    if (role.role == "stash" || role.role == "activations" || role.role == "gaps")
      found.activations += role.bytes;
  return found;
}

}  // namespace

TEST_CASE("layers that are recomputed take less than half of the device memory for activations") {
  const Planned kept = planned(8, 2, 64, RecomputePolicy::kNone);
  const Planned layers = planned(8, 2, 64, RecomputePolicy::kLayers);
  CHECK(kept.activations >= static_cast<std::uint64_t>(stash_bytes_of(kept.account)));
  CHECK(2 * stash_bytes_of(layers.account) < stash_bytes_of(kept.account));
  CHECK(2 * layers.activations < kept.activations);
}

TEST_CASE("probabilities that are recomputed free most of the device memory that they took") {
  // 8 layers x 8 heads x 160 x 160 x 4 bytes; those of one layer are there at a time.
  const Planned kept = planned(8, 8, 160, RecomputePolicy::kNone);
  const Planned attention = planned(8, 8, 160, RecomputePolicy::kAttention);
  constexpr std::uint64_t kProbabilities = 8 * 8 * 160 * 160 * 4;
  CHECK(kept.activations > kProbabilities);
  CHECK(kept.account.nonlinear_stash_bytes - attention.account.nonlinear_stash_bytes ==
        static_cast<std::int64_t>(kProbabilities - kProbabilities / 160 * 2));
  CHECK(kept.activations - attention.activations > kProbabilities * 3 / 4);
}
