// Steps with packed weights, carried out as far as their loads go by a small device that is here
// alone: what the driver has uploaded and sent when a command reads it is decoded to the elements
// of the reference, and the array takes every one of them as often as the product asks for.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "host/compiler/compiler.h"
#include "host/driver/account.h"
#include "host/driver/command_order.h"
#include "host/driver/driver.h"
#include "host/run/device_memory.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/ops/scale.h"
#include "models/program/linear_layers.h"
#include "models/quantized/decode.h"
#include "models/quantized/quantize.h"
#include "tests/host/compiler/quantized_load.h"

using namespace corank;
using namespace corank::interface;
using namespace corank::test;
using Catch::Contains;

namespace {

constexpr std::uint64_t kMemory = std::uint64_t{16} << 20;

struct Case {
  TrainingProgram program;
  QuantizedMap packed;
  MachineShape machine;
  CompilerConfig limits;
  MemoryTiming memory;
  bool streamed = false;

  CompiledStep compile() const {
    return corank::compile(program, machine, limits, kMemory, {streamed, 3}, memory, packed);
  }
};

Tensor random_weight(const Shape& shape, std::mt19937& rng) {
  Tensor weight(DType::F32, shape);
  std::normal_distribution<float> number(0, 0.1f);
  for (std::int64_t i = 0; i < element_count(shape); ++i) weight.data<float>()[i] = number(rng);
  return weight;
}

/// A linear layer or several, their weights packed.
Case linears(Quantizer quantizer, const std::vector<LinearLayer>& layers) {
  Case test;
  test.program = linear_layers(layers);
  test.limits.rehearse = false;  // holds for any blocks
  std::mt19937 rng(11);
  for (Value& value : test.program.graph.values) {
    if (value.role != Role::kFrozen || value.shape.size() != 2) continue;
    value.storage = format_of(quantizer, value.shape);
    test.packed.emplace(value.name, quantize(random_weight(value.shape, rng), quantizer));
  }
  return test;
}

/// The first packed value.
ValueId weight_of(const Case& test) {
  const std::vector<Value>& values = test.program.graph.values;
  return static_cast<ValueId>(
      std::find_if(values.begin(), values.end(),
                   [](const Value& value) { return value.storage.has_value(); }) -
      values.begin());
}

LinearLayer layer(std::int64_t tokens, std::int64_t in, std::int64_t out) {
  LinearLayer linear;
  linear.tokens = tokens;
  linear.in = in;
  linear.out = out;
  linear.lora = {16, 4, false};
  return linear;
}

/// Loads blocks of packed weights and counts what gemms take of them; all other commands do
/// nothing.
class LoadingDevice : public HostPort {
 public:
  LoadingDevice(const Case& test, const CompiledStep& step)
      : test_(test), step_(step), memory_(kMemory), lanes_(memory_lanes(test.machine)) {
    for (const auto& [name, tensor] : test.packed) elements_[name] = decoded(tensor, DType::BF16);
    lines_.resize(static_cast<std::size_t>(scratchpad_lines(test.machine) * lanes_));
  }

  /// By op and element: how many rows of a moving operand have met it.
  std::map<int, std::vector<std::int64_t>> taken;
  std::size_t loads = 0, table_loads = 0;
  std::size_t moved = 0;  // gemms past whose tiles a packed weight moves

  void write_register(std::uint32_t offset, std::uint32_t value) override {
    if (offset == kRegRingTail) tail_ = value;
    if (offset == kRegStreamWritten) written_ = value;
    while (head_ < tail_ && execute()) {
    }
  }
  std::uint32_t read_register(std::uint32_t offset) override {
    if (offset == kRegRingHead) return static_cast<std::uint32_t>(head_);
    if (offset == kRegStreamReleased) return released_;
    if (offset == kRegInterruptStatus) return halted_ ? 1u << kInterruptStatusDoneLsb : 0;
    for (const MachineRegister& built : kMachineRegisters)
      if (built.offset == offset) return built.value(test_.machine);
    return 0;
  }
  void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) override {
    REQUIRE(address + bytes.size() <= memory_.size());
    std::copy(bytes.begin(), bytes.end(), memory_.begin() + static_cast<std::ptrdiff_t>(address));
    sent_ += bytes.size();
  }
  void write_nothing(std::uint64_t /*address*/, std::size_t size) override { sent_ += size; }
  std::vector<std::uint8_t> read_memory(std::uint64_t address, std::size_t size) override {
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(address);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
  }
  void flush() override {}
  bool wait_interrupt(std::int64_t /*timeout*/) override { return halted_; }
  void take_snapshot() override {}
  bool memory_at_work() const override { return false; }
  std::uint64_t memory_answers() const override { return 0; }
  double now_ns() const override { return 0; }
  std::int64_t cycles() const override { return 0; }

  std::uint64_t sent() const { return sent_; }

 private:
  /// The element of a weight that a place of the scratchpad has; value -1: something else.
  struct Place {
    ValueId value = -1;
    std::int64_t element = 0;
  };

  const Value& value(ValueId id) const { return test_.program.graph.value(id); }
  Place& place(std::int64_t line, std::int64_t lane) {
    return lines_.at(static_cast<std::size_t>(line * lanes_ + lane));
  }

  /// The next command; false: it waits for a tile.
  bool execute() {
    CommandWords words{};
    const std::uint64_t entry = head_ % step_.ring_entries * sizeof words;
    std::memcpy(words.data(), &memory_[step_.ring_address + entry], sizeof words);
    switch (words[0] & 0xff) {
      case LoadCommand::kOpcode: {
        const LoadCommand load = decode_load(words);
        if (load.target == kTargetScratchpad)
          for (std::int64_t j = 0; j < load.columns; ++j)
            for (std::int64_t i = 0; i < load.rows; ++i)
              place(load.line + j / lanes_ * load.line_stride + i, j % lanes_) = {};
        break;
      }
      case LoadQuantizedCommand::kOpcode: {
        const LoadQuantizedCommand load = decode_load_quantized(words);
        if (load.stream_take != 0 && tiles_taken_ == written_) return false;
        tiles_taken_ += load.stream_take;
        load_quantized(load);
        released_ += load.stream_release;
        break;
      }
      case LoadScalesCommand::kOpcode:
        tables_.load(decode_load_scales(words), memory_);
        ++table_loads;
        break;
      case GemmCommand::kOpcode:
        gemm(decode_gemm(words), step_.commands[head_].op);
        break;
      case HaltCommand::kOpcode:
        halted_ = true;
        break;
      default:
        break;
    }
    ++head_;
    return true;
  }

  /// Which weight an address is of, and the row and column of it there.
  struct Found {
    ValueId value = -1;
    std::int64_t row = 0, column = 0;
  };
  Found find(const LoadQuantizedCommand& load) const {
    const std::uint64_t address = std::uint64_t{load.address_hi} << 32 | load.address_lo;
    Found found;
    PackedLayout there;
    if (test_.streamed) {
      REQUIRE(tiles_taken_ > 0);
      const StreamTile& tile = step_.tiles.at(tiles_taken_ - 1);
      found = {tile.value, tile.row, tile.column};
      there = tile.packed.value();
    } else {
      for (ValueId id = 0; id < static_cast<ValueId>(test_.program.graph.values.size()); ++id) {
        const auto& packed = step_.plan.packed[static_cast<std::size_t>(id)];
        if (!packed || address < packed->layout.address ||
            address >= packed->layout.address + packed->layout.bytes())
          continue;
        found.value = id;
        there = packed->layout;
      }
    }
    REQUIRE(found.value >= 0);
    REQUIRE(load.panel_stride == there.panel_stride());
    // Rows of 64 are whole groups: so many bytes each.
    const std::uint64_t within = address - there.address;
    const std::uint64_t of_64_rows = static_cast<std::uint64_t>(panel_bytes(load, 64));
    REQUIRE(within % load.panel_stride % of_64_rows == 0);
    found.row += static_cast<std::int64_t>(within % load.panel_stride / of_64_rows) * 64;
    found.column += static_cast<std::int64_t>(within / load.panel_stride) * 64;
    return found;
  }

  void load_quantized(const LoadQuantizedCommand& load) {
    ++loads;
    const Found at = find(load);
    const Tensor& whole = elements_.at(value(at.value).name);
    const std::int64_t columns = value(at.value).shape[1];
    const std::vector<std::uint16_t> elements = quantized_load(load, memory_, tables_);
    std::size_t wrong = 0;
    for (std::int64_t i = 0; i < load.rows; ++i) {
      for (std::int64_t j = 0; j < load.columns; ++j) {
        const std::int64_t element = (at.row + i) * columns + at.column + j;
        wrong += elements[static_cast<std::size_t>(i * load.columns + j)] !=
                 whole.data<std::uint16_t>()[element];
        place(load.line + j / lanes_ * load.line_stride + i, j % lanes_) = {at.value, element};
      }
    }
    INFO("rows from " << at.row << ", columns from " << at.column << " of "
                      << value(at.value).name);
    CHECK(wrong == 0);
  }

  /// Of a term whose right operand is packed: its elements in the order of the gemm.
  void gemm(const GemmCommand& gemm, int op) {
    const Contraction& product =
        *contraction_of(test_.program.graph.ops[static_cast<std::size_t>(op)]);
    for (const Term& term : product.terms) {
      if (!(term.kind == step_.gemm_kinds[gemm.kind]) || !value(term.right).storage) continue;
      const bool swapped =
          step_.plan.layouts[static_cast<std::size_t>(product.out)].is_transposed();
      take(gemm, op, term, swapped);
    }
  }

  void take(const GemmCommand& gemm, int op, const Term& term, bool moving) {
    const Shape& shape = value(term.right).shape;
    moved += moving;
    std::vector<std::int64_t>& counts = taken[op];
    counts.resize(static_cast<std::size_t>(element_count(shape)));
    const std::int64_t others = moving ? gemm.rows : gemm.columns;
    const bool depth_down = moving ? gemm.stream_transposed != 0 : gemm.stationary_transposed == 0;
    const std::int64_t line = moving ? gemm.stream_line : gemm.stationary_line;
    const std::int64_t stride = moving ? gemm.stream_stride : gemm.stationary_stride;
    std::int64_t first = -1, wrong = 0;
    for (std::int64_t depth = 0; depth < gemm.depth; ++depth) {
      for (std::int64_t other = 0; other < others; ++other) {
        const std::int64_t down = depth_down ? depth : other, across = depth_down ? other : depth;
        const Place& there = place(line + across / lanes_ * stride + down, across % lanes_);
        if (first < 0) first = there.element;
        if (there.value != term.right || there.element != first + down * shape[1] + across) {
          ++wrong;
          continue;
        }
        counts[static_cast<std::size_t>(there.element)] += moving ? gemm.columns : gemm.rows;
      }
    }
    CHECK(wrong == 0);
  }

  const Case& test_;
  const CompiledStep& step_;
  std::vector<std::uint8_t> memory_;
  const std::int64_t lanes_;
  std::map<std::string, Tensor> elements_;
  std::vector<Place> lines_;
  DecoderTables tables_;
  std::uint64_t head_ = 0, tail_ = 0, sent_ = 0;
  std::uint32_t written_ = 0, tiles_taken_ = 0, released_ = 0;
  bool halted_ = false;
};

/// Everything but the packed weights is zero.
TensorMap zeros(const TrainingProgram& program) {
  TensorMap values = optimizer_feeds(program, 0);
  for (const Value& value : program.graph.values)
    if (!is_computed(value) && !value.storage)
      values.emplace(value.name, Tensor(value.dtype, value.shape));
  return values;
}

DriverOptions options() {
  DriverOptions options;
  options.memory_size_bytes = kMemory;
  return options;
}

/// Runs the step, and checks what it takes of its weights.
LoadingDevice run(const Case& test, const CompiledStep& step) {
  LoadingDevice device(test, step);
  run_step(device, step, test.program, test.machine, zeros(test.program), options(), test.packed);
  const Graph& graph = test.program.graph;
  std::size_t products = 0;
  for (std::size_t op = 0; op < graph.ops.size(); ++op) {
    const Contraction* product = contraction_of(graph.ops[op]);
    if (product == nullptr) continue;
    for (const Term& term : product->terms) {
      if (!graph.value(term.right).storage) continue;
      ++products;
      const std::int64_t rows = graph.value(product->out).shape[0];
      const std::vector<std::int64_t>& counts = device.taken[static_cast<int>(op)];
      INFO(result_name(graph, graph.ops[op]));
      CHECK(std::set<std::int64_t>(counts.begin(), counts.end()) == std::set<std::int64_t>{rows});
    }
  }
  CHECK(products > 0);
  CHECK(unordered(step, graph, test.machine).empty());
  const LinkBytes bytes = expected_link_bytes(step, test.program, {});
  CHECK(device.sent() == bytes.to_device(true));
  return device;
}

}  // namespace

TEST_CASE("Packed weights of every quantizer are decoded where the array takes them", "[packed]") {
  for (const Quantizer quantizer : quantizers()) {
    if (quantizer == Quantizer::kNone) continue;
    for (const bool streamed : {false, true}) {
      for (const auto& [tokens, in, out] :
           {std::tuple{33, 192, 130}, std::tuple{9, 200, 77}, std::tuple{130, 320, 64}}) {
        for (const auto& [columns, depth] :
             {std::pair{0, 0}, std::pair{64, 64}, std::pair{128, 64}, std::pair{32, 8}}) {
          INFO(name_of(quantizer) << (streamed ? ", streamed, " : ", ") << tokens << " x " << in
                                  << " x " << out << ", blocks of " << columns << ", " << depth
                                  << " deep");
          Case test = linears(quantizer, {layer(tokens, in, out)});
          test.streamed = streamed;
          test.limits.block_columns = columns;
          test.limits.block_depth = depth;
          run(test, test.compile());
        }
      }
    }
  }
}

TEST_CASE("A packed weight may move past the array, and be narrow", "[packed]") {
  // Narrow results are stored transposed, so that the weight moves; in any memory, so that products
  // go alone, overlapped and fused.
  std::size_t moved = 0;
  for (const Quantizer quantizer : {Quantizer::kNf4Dq, Quantizer::kInt4Group32}) {
    for (const double bytes_per_cycle : {0.5, 8.0, 60.0}) {
      for (const auto& [rows, adapted] :
           {std::pair{0, true}, std::pair{32, true}, std::pair{32, false}}) {
        INFO(name_of(quantizer) << ", " << bytes_per_cycle << " bytes a cycle, blocks of " << rows
                                << " rows, adapter " << adapted);
        std::vector<LinearLayer> layers{layer(130, 200, 40), layer(130, 40, 200)};
        if (!adapted) layers[0].lora.rank = layers[1].lora.rank = 0;  // no other term asks for 64
        Case test = linears(quantizer, layers);
        test.memory.bytes_per_cycle = bytes_per_cycle;
        test.limits.block_rows = rows;
        moved += run(test, test.compile()).moved;
      }
    }
  }
  CHECK(moved > 0);
}

TEST_CASE("A block that needs more nested scales than the decoder holds is loaded in pieces",
          "[packed]") {
  // 64 rows of 10240 have 40 nested scales, 384 have 240: of 450 rows no more of them, in steps of
  // 64, find theirs in a table of 256.
  for (const bool streamed : {false, true}) {
    INFO(streamed);
    Case test = linears(Quantizer::kNf4Dq, {layer(8, 10240, 450)});
    test.streamed = streamed;
    test.limits.block_columns = 512;
    test.limits.block_depth = 64;
    test.machine.scratchpad_kib = test.machine.accumulator_kib = 512;
    const CompiledStep step = test.compile();
    const LoadingDevice device = run(test, step);
    // Forward each of 160 blocks of all rows is two pieces, whose tables take each other's place.
    std::set<std::uint32_t> rows;
    for (const CompiledCommand& command : step.commands)
      if ((command.words[0] & 0xff) == LoadQuantizedCommand::kOpcode)
        rows.insert(decode_load_quantized(command.words).rows);
    CHECK(rows.count(384) == 1);
    CHECK(rows.count(66) == 1);
    CHECK(device.table_loads > 2 * 160);
  }
}

TEST_CASE("What the tables hold is not loaded again", "[packed]") {
  // 192 x 192 elements have 3 nested scales.
  Case test = linears(Quantizer::kNf4Dq, {layer(33, 192, 192)});
  test.limits.block_columns = test.limits.block_depth = 64;
  const LoadingDevice device = run(test, test.compile());
  CHECK(device.loads > 9);
  CHECK(device.table_loads == 2);  // the map, and all nested scales
}

TEST_CASE("Weights share a map that is equal, and by sizes alone all do", "[packed]") {
  Case test = linears(Quantizer::kFp4Dq, {layer(8, 64, 128), layer(8, 128, 64)});
  const auto maps_of = [](const CompiledStep& step) {
    std::set<std::uint64_t> maps;
    for (const auto& packed : step.plan.packed)
      if (packed) maps.insert(packed->map_address);
    return maps;
  };
  CHECK(maps_of(test.compile()).size() == 1);
  // Two tables of 128 bytes, and a map of 1 KiB.
  CHECK(test.compile().plan.packed_table_bytes == 2 * 128 + 1024);
  run(test, test.compile());
  test.packed.begin()->second.nested_map[3] = 0.25f;
  const CompiledStep two = test.compile();
  CHECK(maps_of(two).size() == 2);
  CHECK(two.plan.packed_table_bytes == 2 * 128 + 2 * 1024);
  run(test, two);
  const QuantizedMap known = std::exchange(test.packed, {});
  const CompiledStep unknown = test.compile();
  CHECK(maps_of(unknown).size() == 1);
  // Such a step is not for these weights.
  test.packed = known;
  LoadingDevice device(test, unknown);
  CHECK_THROWS_WITH(
      run_step(device, unknown, test.program, test.machine, zeros(test.program), options(), known),
      Contains("expected the map and the offset of scales that the step was compiled "
               "for"));
}

TEST_CASE("A packed weight takes its packed bytes in device memory and on the bus", "[packed]") {
  Case test = linears(Quantizer::kNf4, {layer(33, 192, 130)});
  test.machine.scratchpad_kib = test.machine.accumulator_kib = 512;
  test.limits.block_columns = 192;
  test.limits.block_depth = 256;
  const CompiledStep step = test.compile();
  CHECK(violations(step.plan, test.program.graph, test.machine).empty());
  // A panel: 130 rows in groups of 16 are 9 units of scales and 65 of codes; three panels.
  const auto weight = static_cast<std::size_t>(weight_of(test));
  CHECK(step.plan.bytes_of(weight) == 3 * 64 * (9 + 65));
  // Once forward and once backward.
  CHECK(step.traffic[weight].loaded_bytes == 2 * 3 * 64 * (9 + 65));
  CHECK(account(step, test.machine, 16).at(Counter::kDecodedElements) == 2 * 192 * 130);
  // Stored: 12480 bytes of codes, 390 scales. In BF16: three panels of 130 rows of 128 bytes.
  CHECK(packed_bytes_text(step.plan, test.program.graph) ==
        "packed weights take 14208 bytes on the device, 4.554 bits each (4.500 as stored); in BF16 "
        "they would take 49920 bytes, 35712 more");
  const std::vector<RoleBytes> roles = memory_by_role(step, test.program.graph);
  CHECK(roles.front().role == "frozen");
  CHECK(roles.front().bytes == 16384);  // whole pages
}

TEST_CASE("A plan whose packed weights or tables do not lie right is refused", "[packed]") {
  Case test = linears(Quantizer::kNf4Dq, {layer(8, 64, 128), layer(8, 128, 64)});
  const Plan plan = test.compile().plan;
  const auto weight = static_cast<std::size_t>(weight_of(test));
  const auto first = [&](const std::function<void(Plan&)>& change) {
    Plan wrong = plan;
    change(wrong);
    const auto found = violations(wrong, test.program.graph, test.machine);
    return found.empty() ? "" : found.front();
  };
  CHECK(first([](Plan&) {}).empty());
  CHECK_THAT(first([&](Plan& p) { p.packed[weight].reset(); }),
             Contains("is packed, which the plan does not have"));
  CHECK_THAT(first([&](Plan& p) { p.packed[weight]->layout.rows = 65; }),
             Contains("a packed layout of 65 x 64 does not hold [128, 64]"));
  CHECK_THAT(first([&](Plan& p) { p.packed[weight]->nested_address += 128; }),
             Contains("nested scales lie where others do"));
  CHECK_THAT(first([&](Plan& p) { p.packed[weight]->map_address += 4096; }),
             Contains("the map lies outside the tables"));
  CHECK_THAT(first([&](Plan& p) { p.packed[weight]->map_address = p.packed_tables; }),
             Contains("the map lies where nested scales do"));
}

TEST_CASE("A machine without a decoder takes no packed weights", "[packed]") {
  Case test = linears(Quantizer::kNf4, {layer(8, 64, 64)});
  test.machine.decoder = 0;
  CHECK_THROWS_WITH(test.compile(),
                    "weight is packed (nf4, blocks of 64, scales F32): expected a machine that "
                    "decodes it (accelerator.decoder: 1), found accelerator.decoder: 0");
}

TEST_CASE("A packed weight that is read otherwise, or not decoded, is refused by name",
          "[packed]") {
  Case test = linears(Quantizer::kNf4, {layer(8, 64, 64)});
  const ValueId weight = weight_of(test);
  std::optional<StorageFormat>& storage =
      test.program.graph.values[static_cast<std::size_t>(weight)].storage;
  storage->block = 48;
  CHECK_THROWS_WITH(test.compile(),
                    Contains("weight is packed (nf4, blocks of 48, scales F32): the accelerator "
                             "does not decode that; expected blocks of a power of two from 64"));
  storage->block = 64;
  add_scale(test.program.graph, "other", weight, 2.0f);
  CHECK_THROWS_WITH(test.compile(),
                    Contains("weight is packed (nf4, blocks of 64, scales F32): the accelerator "
                             "decodes the right operands of products"));
}
