#include "models/program/fed_integers.h"

#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include "models/base/error.h"

namespace corank {
namespace {

const std::int64_t* fed(const Graph& graph, ValueId id, const TensorMap& feeds) {
  const auto found = feeds.find(graph.value(id).name);
  return found == feeds.end() ? nullptr : found->second.data<std::int64_t>();
}

void check_size(const std::string& name, const Tensor& tensor) {
  for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
    const std::int64_t number = tensor.data<std::int64_t>()[i];
    if (number == static_cast<std::int32_t>(number)) continue;
    throw InputError(name + "[" + std::to_string(i) + "]: expected an integer of 32 bits, found " +
                     std::to_string(number));
  }
}

}  // namespace

void check_fed_integers(const Graph& graph, const TensorMap& feeds) {
  for (const Op& op : graph.ops) {
    std::visit(
        [&](const auto& one) {
          using X = std::decay_t<decltype(one)>;
          if constexpr (std::is_same_v<X, Embedding>) {
            const std::int64_t* ids = fed(graph, one.ids, feeds);
            if (ids != nullptr) check_ids(graph, one, ids);
          } else if constexpr (std::is_same_v<X, CrossEntropy>) {
            const std::int64_t* labels = fed(graph, one.labels, feeds);
            if (labels == nullptr) return;
            const std::int64_t* items = one.items ? fed(graph, *one.items, feeds) : nullptr;
            if (one.items && items == nullptr) return;
            items_of(targets_of(graph, one.logits, one.labels, one.shifted, labels),
                     graph.value(one.labels).name, items);
          }
        },
        op);
  }
  for (const auto& [name, tensor] : feeds)
    if (tensor.dtype == DType::I64) check_size(name, tensor);
}

}  // namespace corank
