#include "tests/models/graph/random_graph.h"

#include <map>
#include <utility>

namespace corank::test {
namespace {

/// An operand as a term sees it: after transposition.
struct Operand {
  ValueId id = -1;
  bool transposed = false;
  std::int64_t rows = 0, columns = 0;
};

class Builder {
 public:
  Builder(std::mt19937_64& generator, std::int64_t largest_dimension)
      : generator_(generator), largest_dimension_(largest_dimension) {}

  RandomGraph build(int contractions) {
    for (int i = 0; i < contractions; ++i) add_random_contraction(i);
    find_outputs();
    return std::move(result_);
  }

 private:
  /// Outputs get the scale 1: given gradients of differently scaled values cannot share a chain.
  void find_outputs() {
    std::set<ValueId> consumed;
    std::map<ValueId, Contraction*>
        contraction_of;  // by its result, and by the result's rounded copy
    for (Op& op : result_.graph.ops) {
      for (const ValueId id : operands_of(op)) consumed.insert(id);
      if (auto* contraction = std::get_if<Contraction>(&op)) {
        contraction_of[contraction->out] = contraction;
      } else if (const auto* convert = std::get_if<Convert>(&op)) {
        const auto source = contraction_of.find(convert->in);
        if (source != contraction_of.end()) contraction_of[convert->out] = source->second;
      }
    }
    for (const auto& [id, contraction] : contraction_of) {
      if (consumed.count(id) > 0) continue;
      contraction->scale = 1.0f;
      result_.outputs.push_back(id);
    }
  }

  int below(int bound) { return static_cast<int>(generator_() % static_cast<unsigned>(bound)); }
  std::int64_t dimension() { return 1 + below(static_cast<int>(largest_dimension_)); }

  Operand seen(ValueId id, bool transposed) const {
    const Shape& shape = result_.graph.value(id).shape;
    return transposed ? Operand{id, true, shape[1], shape[0]}
                      : Operand{id, false, shape[0], shape[1]};
  }

  /// A new leaf that the term sees as rows x columns: trainable, wanted or frozen.
  Operand new_leaf(std::int64_t rows, std::int64_t columns) {
    const bool transposed = below(2) == 0;
    const Shape shape = transposed ? Shape{columns, rows} : Shape{rows, columns};
    const std::string name = "leaf" + std::to_string(leaves_++);
    Graph& graph = result_.graph;
    ValueId operand = -1;
    switch (below(3)) {
      case 0:
        operand = add_convert(graph, name + ".bf16",
                              add_value(graph, {name, shape, DType::F32, Role::kTrainable}));
        break;
      case 1:
        operand = add_value(graph, {name, shape, DType::BF16, Role::kInput});
        result_.wanted.insert(operand);
        break;
      default:
        operand = add_value(graph, {name, shape, DType::BF16, Role::kFrozen});
    }
    pool_.push_back(operand);
    return seen(operand, transposed);
  }

  /// An operand with these dimensions (0: any), from the pool if there is one and chance wants it.
  Operand operand(std::int64_t rows, std::int64_t columns) {
    std::vector<Operand> fitting;
    for (const ValueId id : pool_) {
      for (const bool transposed : {false, true}) {
        const Operand candidate = seen(id, transposed);
        if ((rows == 0 || candidate.rows == rows) &&
            (columns == 0 || candidate.columns == columns)) {
          fitting.push_back(candidate);
        }
      }
    }
    if (!fitting.empty() && below(4) > 0) {
      return fitting[static_cast<std::size_t>(below(static_cast<int>(fitting.size())))];
    }
    return new_leaf(rows == 0 ? dimension() : rows, columns == 0 ? dimension() : columns);
  }

  void add_random_contraction(int index) {
    std::vector<Term> terms;
    std::int64_t rows = 0, columns = 0;
    for (int count = 1 + below(3); count > 0; --count) {
      const Operand left = operand(rows, 0);
      const Operand right = operand(left.columns, columns);
      rows = left.rows;
      columns = right.columns;
      terms.push_back({left.id, left.transposed, right.id, right.transposed, {}});
    }
    Graph& graph = result_.graph;
    const std::string name = "c" + std::to_string(index);
    std::optional<ValueId> bias;
    if (below(3) == 0) {
      bias = add_value(graph, {name + ".bias", {columns}, DType::F32, Role::kFrozen});
    }
    constexpr float kScales[] = {1.0f, 0.5f, -1.0f, 2.0f};
    const float scale = kScales[below(4)];
    if (below(4) == 0) {  // an F32 value, rounded by a conversion of its own
      const ValueId wide =
          add_contraction(graph, name, terms, scale, bias, DType::F32, Role::kIntermediate);
      pool_.push_back(add_convert(graph, name + ".bf16", wide));
    } else {
      pool_.push_back(
          add_contraction(graph, name, terms, scale, bias, DType::BF16, Role::kIntermediate));
    }
  }

  std::mt19937_64& generator_;
  std::int64_t largest_dimension_;
  RandomGraph result_;
  std::vector<ValueId> pool_;  // BF16 matrices that terms may read
  int leaves_ = 0;
};

}  // namespace

RandomGraph random_graph(std::mt19937_64& generator, int contractions,
                         std::int64_t largest_dimension) {
  return Builder(generator, largest_dimension).build(contractions);
}

}  // namespace corank::test
