#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

// out = the sum, ascending from +0, of `terms` blocks of the operand's rows, so many of which
// follow each other in a period.
OpLowering sum_of_blocks(const Graph& graph, ValueId in, ValueId out, std::int64_t terms,
                         std::int64_t period) {
  RegionPass pass = one_step(graph, out, {result(out)}, Walk::kElements, {});
  pass.period = period;
  pass.steps.clear();
  pass.blocks.push_back({});  // the sum
  enum { kFirst, kSecond, kSum, kOut };
  for (std::int64_t first = 0; first < terms; first += 2) {
    RegionStep step;
    step.streams = {{1}, {1}, {1}, {0}};
    Recorder recorder;
    Recorded sum = first == 0 ? recorder.fill(0.0f) : recorder.load(kSum);
    for (const std::int64_t term : {first, first + 1}) {
      if (term == terms) break;
      RegionBlock block = elements(in);
      block.first_row = term * period;
      block.pitch = terms * period;
      const int stream = term == first ? kFirst : kSecond;
      step.streams[static_cast<std::size_t>(stream)] = {pass.blocks.size()};
      pass.blocks.push_back(block);
      sum = std::move(sum) + recorder.load(stream);
    }
    recorder.store(first + 2 < terms ? kSum : kOut, sum);
    step.program = recorder.program();
    pass.steps.push_back(std::move(step));
  }
  return over_region(std::move(pass));
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const SumRows& op) {
  const Shape& shape = graph.value(op.in).shape;
  const std::int64_t rows = element_count(shape) / shape.back();
  if (op.period != 1) return sum_of_blocks(graph, op.in, op.out, rows / op.period, op.period);
  RegionPass pass =
      one_step(graph, op.in, {elements(op.in), row_result(op.out)}, Walk::kColumns, {});
  pass.steps = {
      sum_over_rows(whole_blocks(2), [](Recorder& recorder) { return recorder.load(0); })};
  return over_region(std::move(pass));
}

OpLowering lowering_of(const Graph& graph, const SumHeads& op) {
  return sum_of_blocks(graph, op.in, op.out, op.times, graph.value(op.in).shape[1]);
}

}  // namespace corank
