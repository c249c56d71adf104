// Packed weights of random cases: every kind occurs, and what is not packed is as it would be
// without them.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "host/compiler/packed_layout.h"
#include "host/verify/drawn_packing.h"
#include "host/verify/graph_case.h"
#include "host/verify/run_case.h"
#include "host/verify/transformer_case.h"
#include "models/quantized/quantize.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

constexpr int kLayers = 150, kGraphs = 150, kTransformers = 36;

/// Calls `visit` with each case of these sources and its graph.
template <class Visit>
void visit_cases(const CaseSource& source, const Visit& visit) {
  for (int number = 0; number < kLayers; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    visit("layers", layer, program_of(layer).graph, describe(layer));
  }
  for (int number = 0; number < kGraphs; ++number) {
    const GraphCase graph = make_graph_case(source, 1, number);
    visit("graphs", graph, graph.program.graph, describe(graph));
  }
  for (int number = 0; number < kTransformers; ++number) {
    const TransformerCase transformer = make_transformer_case(source, 1, number);
    visit("transformers", transformer, transformer.program.graph, describe(transformer));
  }
}

bool is_of_quantizer(const QuantizedTensor& tensor) {
  for (const Quantizer quantizer : quantizers())
    if (quantizer != Quantizer::kNone && format_of(quantizer, tensor.shape) == tensor.format)
      return true;
  return false;
}

void count(const QuantizedTensor& tensor, std::map<std::string, int>& counts) {
  const StorageFormat& format = tensor.format;
  const DeviceFormat device = device_format_of(format, tensor.shape);
  REQUIRE(device.fields);
  const auto note = [&](const std::string& what, bool is_there) {
    counts[what] += is_there ? 1 : 0;
  };
  for (const ElementCode code :
       {ElementCode::kNf4, ElementCode::kFp4, ElementCode::kUnsigned4, ElementCode::kSigned8})
    note("code " + std::to_string(static_cast<int>(code)), format.code == code);
  for (const DType scale : {DType::F32, DType::F16, DType::BF16, DType::U8})
    note(std::string("scale ") + name_of(scale), format.scale == scale);
  for (const DType arithmetic : {DType::F32, DType::F16, DType::BF16})
    note(std::string("arithmetic ") + name_of(arithmetic), format.arithmetic == arithmetic);
  note("zeros", format.zeros);
  note("one zero", format.zero != 0);
  note("minimums", format.minimums);
  note("flat", format.blocks == Blocks::kFlat);
  note("along a row", format.blocks == Blocks::kAlongRow);
  note("blocks of 32", format.block == 32);
  note("blocks of 128", format.block == 128);
  note("whole rows", format.blocks == Blocks::kAlongRow && format.block == tensor.shape[1]);
  note("two scales a row of a panel", device.fields->two_scales != 0);
  note("blocks that straddle rows",
       format.blocks == Blocks::kFlat && tensor.shape[1] % format.block != 0);
  note("rows of a multiple of 64", tensor.shape[1] % 64 == 0);
  note("rows of no multiple of 64", tensor.shape[1] % 64 != 0);
  note("several panels", tensor.shape[1] > 64);
  note("of a quantizer", is_of_quantizer(tensor));
  note("of none", !is_of_quantizer(tensor));
  note("map of its own", format.scale == DType::U8 && tensor.nested_map != dynamic_map());
}

bool equal(const TensorMap& a, const TensorMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.bytes == other.second.bytes;
  });
}

}  // namespace

TEST_CASE("A third of the cases of each kind packs weights, in every kind of format") {
  std::map<std::string, int> cases, packed, counts;
  int streamed = 0, planted = 0;
  visit_cases(test_cases(10000), [&](const char* kind, const DrawnCase& drawn, const Graph& graph,
                                     const std::string& text) {
    INFO(text);
    ++cases[kind];
    std::size_t stored = 0;
    for (const Value& value : graph.values) {
      if (!value.storage) continue;
      ++stored;
      CHECK(drawn.given.count(value.name) == 0);
      const QuantizedTensor& tensor = drawn.packed.at(value.name);
      check(tensor, value.name);
      CHECK(tensor.format == *value.storage);
      count(tensor, counts);
      CHECK_THAT(text, Catch::Contains(value.name + " as " + to_string(tensor.format)));
    }
    CHECK(stored == drawn.packed.size());
    if (stored == 0) return;
    ++packed[kind];
    streamed += drawn.config.weights == Weights::kStreamed ? 1 : 0;
    planted += drawn.planted.find(" in scales of ") != std::string::npos ? 1 : 0;
  });
  for (const auto& [kind, all] : cases) {
    INFO(kind << ": " << packed[kind] << " of " << all);
    CHECK(packed[kind] * 4 >= all);
    CHECK(packed[kind] * 2 <= all);
  }
  for (const auto& [what, weights] : counts) {
    INFO(what << ": " << weights);
    CHECK(weights >= 10);
  }
  CHECK(counts.size() == 27);
  CHECK(streamed >= 20);
  CHECK(planted >= 3);
}

TEST_CASE("Packed weights are the same whenever a case is drawn") {
  const CaseSource source = test_cases(10000);
  int packed = 0;
  for (int number = 0; number < 20; ++number) {
    const GraphCase one = make_graph_case(source, 1, number),
                    same = make_graph_case(source, 1, number);
    REQUIRE(one.packed.size() == same.packed.size());
    for (const auto& [name, tensor] : one.packed) {
      const QuantizedTensor& other = same.packed.at(name);
      CHECK(tensor.format == other.format);
      CHECK(tensor.codes == other.codes);
      CHECK(tensor.scales.bytes == other.scales.bytes);
      CHECK(tensor.minimums.bytes == other.minimums.bytes);
      CHECK(tensor.nested_map == other.nested_map);
      ++packed;
    }
  }
  CHECK(packed > 0);
}

TEST_CASE("A machine without a decoder has no packed weights, and else the same cases") {
  const CaseSource source = test_cases(10000);
  CaseSource without = source;
  for (MachineShape& machine : without.machines) machine.decoder = 0;
  std::vector<std::string> texts;
  std::vector<TensorMap> given;
  visit_cases(without,
              [&](const char*, const DrawnCase& drawn, const Graph&, const std::string& text) {
                CHECK(drawn.packed.empty());
                texts.push_back(text);
                given.push_back(drawn.given);
              });
  std::size_t index = 0, equal_cases = 0;
  visit_cases(source,
              [&](const char*, const DrawnCase& drawn, const Graph&, const std::string& text) {
                const std::size_t i = index++;
                if (!drawn.packed.empty()) return;
                ++equal_cases;
                CHECK(text == texts.at(i));
                CHECK(equal(drawn.given, given.at(i)));
              });
  CHECK(equal_cases >= texts.size() / 2);
}

TEST_CASE("Other codes than those of the reference give other results of a case") {
  const CaseSource source = test_cases(10000);
  int cases = 0;
  for (int number = 0; cases < 4; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    CompiledCase compiled(layer);
    if (layer.packed.empty() || !compiled.finite) continue;
    INFO(describe(layer));
    ++cases;
    CHECK(differences(compiled, run_case(compiled, Fidelity::kCycle, "").steps) == "");
    for (auto& [name, tensor] : compiled.drawn.packed)
      for (std::uint8_t& code : tensor.codes) code ^= 0x11;
    CHECK_THAT(differences(compiled, run_case(compiled, Fidelity::kCycle, "").steps),
               Catch::Contains("y: ") && Catch::Contains("dx: "));
  }
}
