// Whole models by their sizes: a file of sizes, and the config.json that it names.
#include <string>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {
namespace {

constexpr const char* kKeys = "workload.transformer.";

std::string number(Random& random, int least, int most) {
  return std::to_string(draw::between(random, least, most));
}

std::string draw_config(Random& random) {
  const std::string heads = number(random, 1, 2), layers = number(random, 1, 5);
  const std::string common =
      "\"vocab_size\": " + number(random, 2, 40) +
      ", \"hidden_size\": 8, \"intermediate_size\": " + number(random, 1, 12) +
      ", \"num_hidden_layers\": " + layers + ", \"num_attention_heads\": " + heads;
  if (percent(random, 40))
    return "{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", "
           "\"max_position_embeddings\": 12, " +
           common + "}";
  return "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", "
         "\"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 64, " +
         common + "}";
}

}  // namespace

Input make_transformer(Random& random) {
  Settings settings = small_step(random);
  settings.erase("workload.shapes.tokens");
  settings.erase("workload.shapes.layers");
  settings["workload.transformer"] = "sizes.yaml";
  if (percent(random, 30)) settings["workload.weights"] = "streamed";
  if (percent(random, 30)) {
    settings["workload.layers"] = "repeated";
    settings["values"] = "off";
  }
  std::string sizes = "config: config.json\nsequence: " + number(random, 1, 8) +
                      "\nrank: " + number(random, 1, 3) + "\n";
  for (const SchemaKey& key : schema_keys()) {
    const std::string name =
        key.path.rfind(kKeys, 0) == 0 ? key.path.substr(std::string(kKeys).size()) : "";
    const bool given = name == "config" || name == "sequence" || name == "rank";
    if (!name.empty() && !given && percent(random, 20))
      sizes += name + ": " +
               (name == "batch" ? number(random, 1, 3) : draw_value(random, key.type, 90)) + "\n";
  }
  Input input = run_of(settings);
  input.files["sizes.yaml"] = sizes;
  input.files["config.json"] = draw_config(random);
  if (percent(random, 60)) mutate_files(random, input, percent(random, 50) ? "sizes" : "config.j");
  return input;
}

}  // namespace corank::fuzz
