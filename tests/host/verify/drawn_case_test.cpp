// In which words a drawn case tells what it is.
#include "host/verify/drawn_case.h"

#include <catch2/catch.hpp>

#include "host/verify/graph_case.h"
#include "host/verify/layer_case.h"
#include "host/verify/transformer_case.h"

using namespace corank;

namespace {

void set(DrawnCase& drawn) {
  drawn.number = 17;
  drawn.seed = 5000032;
  Config& config = drawn.config;
  config.machine.array_rows = 3;
  config.machine.array_columns = 5;
  config.machine.axi_data_bits = 128;
  config.compiler.scratchpad_kib = 64;
  config.compiler.accumulator_kib = 32;
  config.limits.outstanding_bursts = 2;
  config.limits.burst_beats = 7;
  config.memory.latency_ns = 17;
  config.memory.bandwidth_gb_per_s = 3;
  config.link.latency_ns = 50;
  config.stalls.percent = 40;
}

const std::string kSetting =
    " 17 (seed 5000032): 3x5, AXI 128, limits 64 32 KiB, 2 bursts of 7 beats, fixed latency 17 ns, "
    "3 GB/s, link 50 ns, stalls 40 %";

}  // namespace

TEST_CASE("a case of any kind begins with its setting and ends with what is planted") {
  GraphCase graph;
  set(graph);
  graph.ops = "rms_norm, add";
  CHECK(describe(graph) == "graph" + kSetting + ": rms_norm, add");
  graph.planted = "NaN in x at 3";
  CHECK(describe(graph) == "graph" + kSetting + ": rms_norm, add, planted NaN in x at 3");

  TransformerCase transformer;
  set(transformer);
  transformer.model = "llama";
  transformer.adapter = "LoRA";
  transformer.training = "1 steps of sgd";
  transformer.config.weights = Weights::kStreamed;
  transformer.config.stream_tiles = 4;
  transformer.config.link.bandwidth_gb_per_s = 2;
  transformer.pauses = 9;
  CHECK(describe(transformer) == "transformer" + kSetting +
                                     ", streamed through 4 tiles at 2 GB/s, pauses up to 9: llama; "
                                     "LoRA; 1 steps of sgd");

  LayerCase layer;
  set(layer);
  layer.layer = {33, 64, 67, false, {1.0, 5, false}, 1, {}};
  layer.feeds.resize(1);
  layer.planted = "+inf in w at 0";
  CHECK(describe(layer) == "case" + kSetting +
                               ": 1 layers of 33 tokens, 64 -> 67, r = 5, blocks 0 x 0 x 0, "
                               "planted +inf in w at 0");
  StorageFormat format;
  format.code = ElementCode::kUnsigned4;
  format.scale = format.arithmetic = DType::F16;
  format.zero = 8;
  layer.packed.emplace("weight", QuantizedTensor(format, {67, 64}));
  layer.packed.emplace("xweight", QuantizedTensor({}, {67, 64}));
  CHECK(describe(layer) ==
        "case" + kSetting +
            ": 1 layers of 33 tokens, 64 -> 67, r = 5, blocks 0 x 0 x 0; packed: weight as "
            "int4, blocks of 64, scales F16, zero 8, computed in F16; xweight as nf4, "
            "blocks of 64, scales F32, planted +inf in w at 0");
}
