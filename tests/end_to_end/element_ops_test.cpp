// Element-wise ops on the device, in chains with matrix products before, between and after them.
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "host/compiler/ops/op_lowering.h"
#include "host/verify/differences.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

/// Ordinary numbers, one in sixteen a zero, an infinity, a NaN or a subnormal if `specials`.
Tensor random_tensor(const Value& value, std::mt19937_64& generator, bool specials) {
  Tensor tensor(value.dtype, value.shape);
  std::normal_distribution<float> normal;
  constexpr std::uint32_t kSpecials[] = {0x00000000, 0x80000000, 0x7F800000, 0xFF800000,
                                         0x7FC00000, 0x00010000, 0x80800000, 0x7F7F0000};
  for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
    float number = normal(generator);
    if (specials && generator() % 16 == 0) number = float_from_bits(kSpecials[generator() % 8]);
    if (value.dtype == DType::F32)
      tensor.data<float>()[i] = number;
    else
      tensor.data<std::uint16_t>()[i] = round_to_bf16(number);
  }
  return tensor;
}

/// What an update with so many constants is fed.
Tensor constants_of_size(std::int64_t count) {
  if (count == kAdamWConstants) return tensor_of(constants_of(AdamWOptions{}, 3));
  if (count == kSgdConstants) return tensor_of(SgdConstants{0.1f, 0.9f, 0.8f, -0.01f});
  Tensor factor(DType::F32, {1});
  *factor.data<float>() = 0.3f;
  return factor;
}

/// What of a graph's results and counters is not as it must be, with the RTL and the cycle model on
/// the 4 x 4 machine; "": nothing, and both take the same cycles.
std::string differences_of(const TrainingProgram& program, std::uint64_t seed, bool specials,
                           const CompilerConfig& limits = {}, const WeightStream& stream = {}) {
  const Graph& graph = program.graph;
  std::mt19937_64 generator(seed);
  TensorMap inputs;
  for (const Value& value : graph.values) {
    if (is_computed(value)) continue;
    inputs[value.name] = value.role == Role::kConstants ? constants_of_size(value.shape.front())
                                                        : random_tensor(value, generator, specials);
  }
  TensorMap reference = inputs;
  run_bit_exact(graph, reference);

  PlatformConfig platform;
  platform.shape = test_machines().at(2);
  platform.machine_library = library_of(platform.shape);
  DriverOptions options;
  options.memory_size_bytes = static_cast<std::uint64_t>(platform.memory.size_mib) << 20;
  const CompiledStep step =
      compile(program, platform.shape, limits, options.memory_size_bytes, stream);
  std::string found;
  std::vector<DeviceCounters> counters;
  for (const Fidelity fidelity : {Fidelity::kRtl, Fidelity::kCycle}) {
    platform.fidelity = fidelity;
    run_platform(platform, [&](HostPort& host) {
      const StepResult result = run_step(host, step, program, platform.shape, inputs, options);
      found +=
          differences(graph, step, platform.shape, options.limits.burst_beats, result, reference);
      counters.push_back(result.counters);
    });
  }
  if (counters.front() != counters.back()) found += "the cycle model's counters are others\n";
  return found;
}

ValueId input(Graph& graph, const std::string& name, const Shape& shape,
              DType dtype = DType::BF16) {
  return add_value(graph, {name, shape, dtype, Role::kInput});
}

ValueId product(Graph& graph, const std::string& name, ValueId left, ValueId right,
                DType dtype = DType::BF16) {
  return add_contraction(graph, name, {{left, false, right, false, {}}}, 1.0f, {}, dtype,
                         Role::kIntermediate);
}

/// The update of a parameter, whose states go on from step to step.
template <class Add>
void update(TrainingProgram& program, const Add& add) {
  add(program.graph);
  const OpLowering lowering = lowerings_of(program.graph).back();
  for (const ElementStream& stream : lowering.streams)
    if (stream.result >= 0) program.states.push_back({stream.operand, stream.result});
}

ValueId constants(Graph& graph, std::int64_t count) {
  const std::string name = "constants" + std::to_string(graph.values.size());
  return add_value(graph, {name, {count}, DType::F32, Role::kConstants});
}

void make_results(Graph& graph) {
  for (Value& value : graph.values)
    if (value.role == Role::kIntermediate) value.role = Role::kResult;
}

/// Ops of any kind in any order, on values of a few shapes.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed) : generator_(seed) {
    constexpr std::int64_t kSizes[] = {1, 3, 16, 33, 64, 70, 130};
    for (std::int64_t& size : sizes_) size = kSizes[any(std::size(kSizes))];
  }

  TrainingProgram build(int ops) {
    for (int i = 0; i < ops; ++i) add_op();
    for (Value& value : graph_.values)
      if (value.role == Role::kIntermediate && any(3) == 0) value.role = Role::kResult;
    return std::move(program_);
  }

 private:
  std::size_t any(std::size_t count) { return static_cast<std::size_t>(generator_() % count); }
  std::string name() { return "v" + std::to_string(graph_.values.size()); }
  DType any_float() { return any(2) == 0 ? DType::BF16 : DType::F32; }
  std::int64_t any_size() { return sizes_[any(std::size(sizes_))]; }

  /// One that there is, mostly, or a new input.
  ValueId operand(const Shape& shape, DType dtype) {
    std::vector<ValueId> found;
    for (ValueId id = 0; id < static_cast<ValueId>(graph_.values.size()); ++id) {
      const Value& value = graph_.value(id);
      if (value.shape == shape && value.dtype == dtype && value.role != Role::kTrainable &&
          value.role != Role::kState && value.role != Role::kConstants)
        found.push_back(id);
    }
    if (!found.empty() && any(5) != 0) return found[any(found.size())];
    return input(graph_, name(), shape, dtype);
  }

  void add_product() {
    const std::int64_t rows = any_size(), columns = any_size();
    std::vector<Term> terms;
    for (std::size_t term = 0; term <= any(2); ++term) {
      const std::int64_t depth = any_size();
      const bool left = any(2) == 0, right = any(2) == 0;
      const ValueId a = operand(left ? Shape{depth, rows} : Shape{rows, depth}, DType::BF16);
      const ValueId b = operand(right ? Shape{columns, depth} : Shape{depth, columns}, DType::BF16);
      terms.push_back({a, left, b, right, {Part::kFrozen, static_cast<Pass>(any(3))}});
    }
    std::optional<ValueId> bias;
    if (any(3) == 0) bias = operand({1, columns}, DType::F32);
    add_contraction(graph_, name(), terms, any(2) == 0 ? 1.0f : 0.3f, bias, any_float(),
                    Role::kIntermediate);
  }

  void add_update(const Shape& shape) {
    const ValueId gradient = operand(shape, DType::F32);
    const ValueId parameter = add_value(graph_, {name(), shape, DType::F32, Role::kTrainable});
    if (any(2) == 0) {
      const ValueId fed = constants(graph_, kAdamWConstants);
      update(program_,
             [&](Graph& graph) { add_adamw(graph, parameter, gradient, fed, any(2) == 0); });
      return;
    }
    SgdForm form;
    form.decays = any(2) == 0;
    form.has_momentum = any(3) != 0;
    form.nesterov = form.has_momentum && any(2) == 0;
    const ValueId fed = constants(graph_, kSgdConstants);
    update(program_, [&](Graph& graph) { add_sgd(graph, parameter, gradient, fed, form); });
  }

  void add_op() {
    const Shape shape = {any_size(), any_size()};
    const DType dtype = any_float();
    switch (any(9)) {
      case 0:
      case 1:
        return add_product();
      case 2:
        add_add(graph_, name(), operand(shape, any_float()), right_of(shape), dtype);
        return;
      case 3:
        add_multiply(graph_, name(), operand(shape, any_float()), right_of(shape), dtype);
        return;
      case 4:
        add_scale(graph_, name(), operand(shape, any_float()), -1.7f, dtype);
        return;
      case 5:
        add_scale_by(graph_, name(), operand(shape, any_float()), constants(graph_, 1), dtype);
        return;
      case 6:
        add_activation(graph_, name(), operand(shape, any_float()), ActivationFunction::kRelu,
                       dtype);
        return;
      case 7:
        add_convert(graph_, name(), operand(shape, DType::F32));
        return;
      default:
        return add_update(shape);
    }
  }

  ValueId right_of(const Shape& shape) {
    return operand(any(3) == 0 ? Shape{shape.back()} : shape, any_float());
  }

  std::mt19937_64 generator_;
  std::int64_t sizes_[3] = {};
  TrainingProgram program_;
  Graph& graph_ = program_.graph;
};

}  // namespace

TEST_CASE("chains of sums, products and factors between matrix products have the reference's bits",
          "[elements]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {37, 70}), w = input(graph, "w", {70, 100});
  const ValueId v = input(graph, "v", {100, 33}), row = input(graph, "row", {100}, DType::F32);
  const ValueId before = product(graph, "before", add_scale(graph, "half", x, 0.5f), w);
  const ValueId sum = add_add(graph, "sum", before, row, DType::F32);
  const ValueId square = add_multiply(graph, "square", sum, before, DType::BF16);
  const ValueId again = add_add(graph, "again", square, square, DType::BF16);
  const ValueId rectified = add_activation(graph, "rectified", again, ActivationFunction::kRelu);
  const ValueId between = product(graph, "between", rectified, v, DType::F32);
  const ValueId scaled = add_scale(graph, "scaled", between, 3.0f, DType::BF16);
  const ValueId after = product(graph, "after", add_scale(graph, "factor", scaled, 0.1f),
                                input(graph, "u", {33, 12}));
  add_multiply(graph, "last", after, after, DType::F32);
  CHECK(differences_of(program, 1, false) == "");
  CHECK(differences_of(program, 2, true) == "");
  make_results(graph);
  CHECK(differences_of(program, 3, false) == "");
}

TEST_CASE(
    "element-wise ops take operands and results of both widths and of one to three dimensions",
    "[elements]") {
  constexpr DType kBoth[] = {DType::BF16, DType::F32};
  for (const Shape& shape : {Shape{70}, Shape{70, 5}, Shape{5, 70}, Shape{2, 3, 70}, Shape{1, 1}}) {
    TrainingProgram program;
    Graph& graph = program.graph;
    for (const DType left : kBoth) {
      for (const DType right : kBoth) {
        for (const DType out : kBoth) {
          const std::string name = std::string(name_of(left)) + name_of(right) + name_of(out);
          const ValueId a = input(graph, name + ".a", shape, left);
          const ValueId b = input(graph, name + ".b", shape, right);
          const ValueId row = input(graph, name + ".row", {shape.back()}, right);
          add_add(graph, name + ".sum", a, b, out);
          add_multiply(graph, name + ".product", a, row, out);
          add_scale(graph, name + ".scaled", b, 1.5f, out);
        }
      }
    }
    make_results(graph);
    INFO(to_string(shape));
    CHECK(differences_of(program, 4, true) == "");
  }
}

TEST_CASE("an op larger than the local memories goes tile by tile", "[elements]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId a = input(graph, "a", {300, 330}, DType::F32);
  const ValueId b = input(graph, "b", {300, 330});
  const ValueId sum = add_add(graph, "sum", a, b, DType::F32);
  add_multiply(graph, "out", sum, input(graph, "row", {1, 330}), DType::BF16);
  make_results(graph);
  CHECK(differences_of(program, 5, true) == "");
  CompilerConfig limits;
  limits.scratchpad_kib = limits.accumulator_kib = 6;
  CHECK(differences_of(program, 6, true, limits) == "");
}

TEST_CASE("a product of several streamed weights takes the tiles of each in turn", "[elements]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {33, 70}), z = input(graph, "z", {33, 130});
  const ValueId v = add_value(graph, {"v", {70, 200}, DType::BF16, Role::kFrozen});
  const ValueId w = add_value(graph, {"w", {130, 200}, DType::BF16, Role::kFrozen});
  add_contraction(graph, "y", {{x, false, v, false, {}}, {z, false, w, false, {}}}, 1.0f, {},
                  DType::BF16, Role::kResult);
  CompilerConfig limits;
  limits.block_rows = 8;
  limits.block_columns = limits.block_depth = 64;
  CHECK(differences_of(program, 8, false, {}, {true, 2}) == "");
  CHECK(differences_of(program, 9, false, limits, {true, 2}) == "");
}

TEST_CASE("every form of SGD updates on the device, together with AdamW", "[elements]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId of_sgd = constants(graph, kSgdConstants);
  const auto add = [&](const std::string& name, const SgdForm& form) {
    const ValueId parameter = add_value(graph, {name, {70, 9}, DType::F32, Role::kTrainable});
    const ValueId gradient = input(graph, name + ".gradient", {70, 9}, DType::F32);
    update(program, [&](Graph& g) { add_sgd(g, parameter, gradient, of_sgd, form); });
  };
  add("plain", {false, false, false});
  add("decaying", {true, false, false});
  add("momentum", {false, true, false});
  add("decaying_momentum", {true, true, false});
  add("nesterov", {false, true, true});
  add("decaying_nesterov", {true, true, true});
  const ValueId parameter = add_value(graph, {"v", {70, 9}, DType::F32, Role::kTrainable});
  const ValueId gradient = input(graph, "v.gradient", {70, 9}, DType::F32);
  const ValueId of_adamw = constants(graph, kAdamWConstants);
  update(program, [&](Graph& g) { add_adamw(g, parameter, gradient, of_adamw, true); });
  CHECK(differences_of(program, 7, false) == "");
}

TEST_CASE("random graphs of products and element-wise ops have the reference's bits",
          "[elements]") {
  constexpr std::uint64_t kFirstSeed = 1, kGraphs = 24;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kGraphs; ++seed) {
    INFO("seed " << seed);
    const TrainingProgram program = RandomGraph(seed).build(12);
    CHECK(differences_of(program, seed, seed % 4 == 0) == "");
  }
}
