#include "host/huggingface/methods/lokr.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "models/peft/lokr.h"

namespace corank {
namespace {

/// The keys of LoKrConfig of PEFT 0.21.
KnownKeys lokr_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  constexpr KeyUse kRefused = KeyUse::kRefused;
  return {{"r", kHonoured},
          {"alpha", kHonoured},
          {"decompose_both", kHonoured},
          {"decompose_factor", kHonoured},
          {"rank_pattern", kHonoured},
          {"alpha_pattern", kHonoured},
          {"layers_to_transform", kHonoured},
          {"layers_pattern", kHonoured},
          {"rank_dropout", kRefused},
          {"module_dropout", kRefused},
          {"rank_dropout_scale", kHarmless},    // of rank_dropout alone
          {"use_effective_conv2d", kHarmless},  // of convolutions alone
          {"init_weights", kHarmless}};         // the start, which is in the adapter's file
}

void read(const JsonObject& json, AdapterConfig& config) {
  LokrConfig lokr;
  lokr.r = static_cast<int>(json.integer("r", 1, 1 << 20));
  lokr.alpha = json.number("alpha");
  lokr.decompose_both = json.boolean_or("decompose_both", false);
  lokr.decompose_factor = json.integer_or("decompose_factor", -1, -1);
  if (lokr.decompose_factor == 0) json.refuse("decompose_factor", "-1, or 1 or more");
  read_patterns(json, lokr.rank_pattern, lokr.alpha_pattern);
  read_layers(json, config.targets);
  config.own = std::move(lokr);
}

/// peft.tuners.lokr.layer.factorization: two factors, the first of which is at most the second but
/// where `factor` divides; near to each other, and the first at most `factor`.
std::pair<std::int64_t, std::int64_t> factors_of(std::int64_t size, std::int64_t factor) {
  if (factor > 0 && size % factor == 0) return {factor, size / factor};
  if (factor == -1) factor = size;
  std::int64_t m = 1, n = size;
  const std::int64_t length = m + n;
  while (m < n) {
    std::int64_t next = m + 1;
    while (size % next != 0) ++next;
    if (next + size / next > length || next > factor) break;
    m = next;
    n = size / next;
  }
  return {std::min(m, n), std::max(m, n)};
}

LokrShape shape_of(const LokrConfig& lokr, const Shape& weight, std::int64_t rank) {
  LokrShape shape;
  std::tie(shape.a, shape.c) = factors_of(weight[0], lokr.decompose_factor);
  std::tie(shape.b, shape.d) = factors_of(weight[1], lokr.decompose_factor);
  shape.low_rank_w1 = lokr.decompose_both && 2 * rank < std::max(shape.a, shape.b);
  shape.low_rank_w2 = 2 * rank < std::max(shape.c, shape.d);
  return shape;
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t) {
  const auto& lokr = std::any_cast<const LokrConfig&>(config.own);
  const OfModules<std::int64_t> ranks(config, "rank_pattern", lokr.rank_pattern, lokr.r);
  const OfModules<double> alphas(config, "alpha_pattern", lokr.alpha_pattern, lokr.alpha);
  AdapterPlan plan = plan_of_linears(lokr_method(), config, modules, facts, BiasTraining::kNone);
  LokrPlan own;
  for (const std::string& name : plan.adapted) {
    const std::int64_t rank = ranks.of(name);
    own.modules.push_back({name,
                           {alphas.of(name), static_cast<int>(rank), false},
                           shape_of(lokr, module_named(modules, name).weight, rank)});
  }
  plan.own = std::move(own);
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_lokr(transformer, std::any_cast<const LokrPlan&>(plan.own));
}

}  // namespace

const PeftMethod& lokr_method() {
  static const PeftMethod method = {"LOKR", "LoKr", lokr_keys(), read, plan, apply};
  return method;
}

}  // namespace corank
