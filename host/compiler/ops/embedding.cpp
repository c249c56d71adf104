#include "models/ops/embedding.h"

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

// The ids one after another: they lie so already, or are put there, as extra 0.
ValueId add_vector(const Graph& graph, ValueId ids, OpLowering& lowering) {
  const Shape& shape = graph.value(ids).shape;
  const std::int64_t count = element_count(shape), columns = shape.back();
  if (count == columns) return ids;
  std::vector<Move> moves;
  for (std::int64_t row = 0; row * columns < count; ++row)
    moves.push_back({ids, row, 0, 0, row * columns, 1, columns});
  lowering.extras.push_back({"ids", DType::I64, 1, count, {}});
  lowering.movements.push_back(movement_of(graph, extra_id(0), DType::I64, std::move(moves)));
  return extra_id(0);
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const Embedding& op) {
  OpLowering lowering;
  const ValueId ids = add_vector(graph, op.ids, lowering);
  GatheredRows rows{op.table, ids, op.out, op.transposed, {}};
  if (graph.value(op.table).dtype != graph.value(op.out).dtype) rows.convert = copy_program();
  lowering.gathered.push_back(std::move(rows));
  return lowering;
}

OpLowering lowering_of(const Graph& graph, const ScatterAdd& op) {
  const Value& out = graph.value(op.out);
  const bool rounded = out.dtype == DType::BF16;  // once, when all sums are there
  if (rounded && op.transposed) return {" of columns with a result of BF16", {}, {}};
  OpLowering lowering;
  const ValueId ids = add_vector(graph, op.ids, lowering);
  ValueId sums = op.out;
  if (rounded) {
    sums = extra_id(static_cast<int>(lowering.extras.size()));
    lowering.extras.push_back({"sums", DType::F32, out.shape.front(), out.shape.back(), {}});
    lowering.passes.push_back(
        one_step(graph, op.out, {elements(sums), result(op.out)}, Walk::kElements, copy_program()));
  }
  lowering.movements.push_back(movement_of(graph, sums, DType::F32, {}));
  // A sum that has begun at +0 is never -0, so that adding +0 leaves it as it is.
  Recorder recorder;
  {
    recorder.begin_once();
    const Recorded id = recorder.load(2);
    recorder.begin_strips();
    const Recorded sum = recorder.load(0);
    Recorded summand = recorder.load(1);
    if (op.padding_id) {
      const Recorded padded = int_equal(id, static_cast<std::int32_t>(*op.padding_id));
      summand = select(padded, 0.0f, summand);
    }
    recorder.store(0, sum + summand);
  }
  lowering.scattered.push_back({op.in, ids, sums, op.transposed, recorder.program()});
  return lowering;
}

}  // namespace corank
