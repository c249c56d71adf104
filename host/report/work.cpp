#include "host/report/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "host/report/units.h"

namespace corank {
namespace {

template <class X, class... Any>
inline constexpr bool kIsOneOf = (std::is_same_v<X, Any> || ...);

// A copy in another format, by what it copies.
WorkKind kind_of_copy(const Graph& graph, const Op& op) {
  const Value& in = graph.value(operands_of(op).front());
  if (in.role == Role::kTrainable) return WorkKind::kAdapter;
  return in.shape.size() == 3 ? WorkKind::kAttention : WorkKind::kResidual;
}

// Of an op that is no product; sums and copies depend on what they add up and copy.
template <class X>
WorkKind kind_of_type(const Graph& graph, const Op& op) {
  if constexpr (kIsOneOf<X, AdamW, Sgd, SquareSums, GradientNorm, ClipGradients, ScaleBy>)
    return WorkKind::kUpdate;
  if constexpr (kIsOneOf<X, Activation, ActivationGradient, GatedActivation,
                         GatedActivationGradient>)
    return WorkKind::kActivation;
  if constexpr (kIsOneOf<X, RmsNorm, RmsNormGradient, RmsNormWeightGradient, LayerNorm,
                         LayerNormGradient>)
    return WorkKind::kNorm;
  if constexpr (kIsOneOf<X, Rope, Softmax, SoftmaxFromStatistics, SoftmaxGradient, SplitHeads,
                         MergeHeads, RepeatHeads, SumHeads>)
    return WorkKind::kAttention;
  if constexpr (kIsOneOf<X, Embedding, ScatterAdd, CrossEntropy, CrossEntropyGradient, SelectRows,
                         PlaceRows>)
    return WorkKind::kHead;
  if constexpr (kIsOneOf<X, Dropout, Multiply, SumRows, ReplaceRows, InverseRowNorms>)
    return WorkKind::kAdapter;
  if constexpr (kIsOneOf<X, Convert>) return kind_of_copy(graph, op);
  return WorkKind::kResidual;
}

const char* name_of(Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return "forward";
    case Pass::kInputGradient:
      return "input gradient";
    case Pass::kWeightGradient:
      return "weight gradient";
    case Pass::kRecompute:
      return "recompute";
    case Pass::kUpdate:
      return "update";
  }
  return "";  // not reached: every pass stands above
}

const char* name_of(WorkKind kind) { return kWorkKindNames[static_cast<std::size_t>(kind)]; }

double utilisation_of(const Work& work, double pes) {
  return work.cycles() == 0
             ? 0
             : static_cast<double>(work.macs) / (static_cast<double>(work.cycles()) * pes);
}

// Sums over whatever key_of() does not tell apart.
template <class Key, class KeyOf>
std::map<Key, Work> sums_by(const StepWorkByKey& work, const KeyOf& key_of) {
  std::map<Key, Work> sums;
  for (const auto& [key, one] : work) sums[key_of(key)] += one;
  return sums;
}

std::string header(const char* what) {
  return fmt::format("\n  {:<34}{:>14}{:>8}{:>13}{:>11}{:>11}  {}\n", what, "cycles", "share",
                     "utilisation", "memory", "energy", "bound by");
}

std::string line_of(const std::string& what, const Work& work, std::uint64_t all, double pes) {
  return fmt::format("  {:<34}{:>14}{:>6.1f} %{:>11.1f} %{:>11}{:>11}  {}\n", what, work.cycles(),
                     100 * static_cast<double>(work.cycles()) / static_cast<double>(all),
                     100 * utilisation_of(work, pes),
                     with_unit(static_cast<double>(work.bytes_read + work.bytes_written), "B"),
                     with_unit(work.energy_pj * 1e-12, "J"), bound_of(work));
}

// Of many layers those at either end stand for the ones between.
constexpr std::size_t kLayersAtEitherEnd = 3;

std::string layer_lines(const StepWorkByKey& work, std::uint64_t all, double pes) {
  const auto layers = sums_by<int>(work, [](const WorkKey& key) { return key.layer; });
  std::string text = header("layer");
  const auto name = [](int layer) {
    return layer < 0 ? std::string("outside of the layers") : std::to_string(layer);
  };
  const bool many = layers.size() > 2 * kLayersAtEitherEnd + 2;
  std::size_t place = 0;
  for (const auto& [layer, one] : layers) {
    const bool shown =
        !many || place <= kLayersAtEitherEnd || place + kLayersAtEitherEnd >= layers.size();
    if (shown) text += line_of(name(layer), one, all, pes);
    if (many && place == kLayersAtEitherEnd) text += "  ...\n";
    ++place;
  }
  return text;
}

nlohmann::ordered_json work_json(const Work& work, double pes) {
  return {{"cycles", work.cycles()},
          {"array_cycles", work.array_cycles},
          {"vector_cycles", work.vector_cycles},
          {"waiting_cycles", work.waiting_cycles},
          {"macs", work.macs},
          {"utilisation", utilisation_of(work, pes)},
          {"bytes_read", work.bytes_read},
          {"bytes_written", work.bytes_written},
          {"energy_pj", work.energy_pj}};
}

}  // namespace

WorkKind work_kind_of(Part part) {
  switch (part) {
    case Part::kFrozen:
      return WorkKind::kFrozen;
    case Part::kAdapterDown:
    case Part::kAdapterUp:
      return WorkKind::kAdapter;
    case Part::kAttention:
      return WorkKind::kAttention;
    case Part::kHead:
      return WorkKind::kHead;
  }
  return WorkKind::kResidual;  // not reached: every part stands above
}

WorkKind work_kind_of(const Graph& graph, const Op& op) {
  if (const Contraction* product = contraction_of(op))
    return work_kind_of(product->terms.front().kind.part);
  return std::visit(
      [&](const auto& one) {
        return kind_of_type<std::remove_cv_t<std::remove_reference_t<decltype(one)>>>(graph, op);
      },
      op);
}

bool operator<(const WorkKey& a, const WorkKey& b) {
  return std::tie(a.layer, a.kind, a.pass) < std::tie(b.layer, b.kind, b.pass);
}

Work& Work::operator+=(const Work& other) {
  array_cycles += other.array_cycles;
  vector_cycles += other.vector_cycles;
  waiting_cycles += other.waiting_cycles;
  macs += other.macs;
  bytes_read += other.bytes_read;
  bytes_written += other.bytes_written;
  energy_pj += other.energy_pj;
  return *this;
}

const char* bound_of(const Work& work) {
  if (work.array_cycles >= std::max(work.vector_cycles, work.waiting_cycles)) return "the array";
  return work.vector_cycles >= work.waiting_cycles ? "the vector unit"
                                                   : "waiting for memory and order";
}

nlohmann::ordered_json to_json(const StepWorkByKey& work, double pes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [key, one] : work) {
    nlohmann::ordered_json json = {
        {"layer", nullptr}, {"kind", name_of(key.kind)}, {"pass", name_of(key.pass)}};
    if (key.layer >= 0) json["layer"] = key.layer;
    json.update(work_json(one, pes));
    list.push_back(json);
  }
  return list;
}

std::string work_lines(const StepWorkByKey& work, double pes) {
  Work all;
  for (const auto& [key, one] : work) all += one;
  const std::uint64_t cycles = std::max<std::uint64_t>(1, all.cycles());
  std::string text =
      "\n  each cycle of the first step counts once: for what the array takes in, else for "
      "what the vector unit works on, else for what the array waits for\n";
  text += header("kind of work");
  for (const auto& [kind, one] :
       sums_by<WorkKind>(work, [](const WorkKey& key) { return key.kind; }))
    text += line_of(name_of(kind), one, cycles, pes);
  text += header("pass");
  for (const auto& [pass, one] : sums_by<Pass>(work, [](const WorkKey& key) { return key.pass; }))
    text += line_of(name_of(pass), one, cycles, pes);
  return text + layer_lines(work, cycles, pes);
}

}  // namespace corank
