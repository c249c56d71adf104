// Fine-tuning runs as a user meets them, by the reference and on the cycle model: exit codes,
// messages, files.
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/json_object.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string text;  // both streams
};

Outcome run_program(const std::string& arguments) {
  Outcome outcome;
  const std::string command = std::string(CORANK_PROGRAM) + " " + arguments + " 2>&1 < /dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> block{};
  for (std::size_t n = 0; (n = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
    outcome.text.append(block.data(), n);
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

/// A copy of a fixture that a test may damage.
class Workload {
 public:
  explicit Workload(const std::string& fixture) {
    fs::copy(fs::path(CORANK_FIXTURES) / fixture, root(), fs::copy_options::recursive);
  }

  std::string root() const { return folder_.file("run"); }
  std::string path(const std::string& name) const { return root() + "/" + name; }

  Outcome run(const std::string& more = "") const {
    return run_at("reference", "--out " + path("out") + " " + more);
  }
  Outcome run_at(const std::string& fidelity, const std::string& more) const {
    return run_program("run " CORANK_CONFIGS "/finetune.yaml --fidelity " + fidelity +
                       " --set workload.model=" + path("model") +
                       " --set workload.adapter=" + path("adapter") +
                       " --set workload.batches=" + path("batches.safetensors") + " " + more);
  }
  std::string adapter_in(const std::string& out) const {
    return content_of(path(out + "/adapter/adapter_model.safetensors"));
  }
  bool wrote_anything() const { return fs::exists(path("out")); }

  void write(const std::string& name, const std::string& content) const {
    folder_.write("run/" + name, content);
  }
  void change_json(const std::string& name, const std::function<void(Json&)>& change) const {
    Json json = Json::parse(content_of(path(name)));
    change(json);
    write(name, json.dump());
  }
  void change_tensors(const std::string& name,
                      const std::function<void(TensorMap&)>& change) const {
    SafetensorsFile file = read_safetensors(path(name));
    change(file.tensors);
    write_safetensors(path(name), file);
  }

 private:
  TemporaryFolder folder_;
};

/// The run is refused with this exit code and message, and leaves nothing behind.
void check_refusal(const Workload& workload, int code, const std::string& message,
                   const std::string& more = "") {
  const Outcome outcome = workload.run(more);
  INFO(outcome.text);
  CHECK(outcome.code == code);
  CHECK_THAT(outcome.text, Contains(message));
  CHECK_FALSE(workload.wrote_anything());
}

constexpr const char* kModel = "model/model.safetensors";
constexpr const char* kBatches = "batches.safetensors";

}  // namespace

TEST_CASE("A right run writes the adapter, the report and, if asked, the gradients") {
  const Workload workload("llama_gqa");
  const Outcome outcome = workload.run("--set output.gradients=true");
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  CHECK_THAT(outcome.text, Contains("loss") && Contains("written to"));
  const Json report = Json::parse(content_of(workload.path("out/report.json")));
  CHECK(report["fidelity"] == "reference");
  CHECK(report["training"]["losses"].size() == 4);
  // Before any update the learning rate does not matter.
  const Tensor losses =
      read_safetensors(workload.path("expected.safetensors")).tensors.at("losses");
  CHECK(report["training"]["losses"][0].get<double>() ==
        Approx(losses.data<float>()[0]).epsilon(1e-5));
  const Json& step = report["step"];
  CHECK(step["bytes"]["adapters"] == step["bytes"]["gradients"]);
  CHECK(step["bytes"]["optimizer"] == 2 * step["bytes"]["adapters"].get<std::int64_t>());
  std::int64_t macs = 0;
  for (const char* group :
       {"forward", "input_gradient", "weight_gradient", "adapter", "attention", "head"})
    macs += step["macs"][group].get<std::int64_t>();
  CHECK(macs == step["macs"]["total"]);
  // The same names in both files, and in the adapter that the run started from.
  const auto names = [](const std::string& path) {
    std::vector<std::string> list;
    for (const auto& entry : read_safetensors(path).tensors) list.push_back(entry.first);
    return list;
  };
  const auto initial = names(workload.path("adapter/adapter_model.safetensors"));
  CHECK(names(workload.path("out/adapter/adapter_model.safetensors")) == initial);
  CHECK(names(workload.path("out/gradients.safetensors")) == initial);
}

TEST_CASE("A run of another method than LoRA says which, and writes the same files") {
  const Workload workload("llama_ia3");
  const Outcome outcome = workload.run("--set numerics=bf16 --set output.gradients=true");
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  CHECK_THAT(outcome.text, Contains(": (IA)^3 fine-tuning of "));
  const Json report = Json::parse(content_of(workload.path("out/report.json")));
  CHECK(report["workload"]["adapted_modules"] == 6);
  CHECK(report["step"]["trainable_elements"] == 2 * (16 + 16 + 48));  // k, v; what down_proj reads
  CHECK(report["step"]["macs"]["adapter"] == 0);
  CHECK(report["step"]["bytes"]["peak"] == report["step"]["bytes"]["measured_peak"]);
  const std::string name = "base_model.model.model.layers.1.mlp.down_proj.ia3_l";
  for (const char* file : {"out/adapter/adapter_model.safetensors", "out/gradients.safetensors"})
    CHECK(read_safetensors(workload.path(file)).tensors.at(name).shape == Shape{1, 48});
  CHECK(Json::parse(content_of(workload.path("out/adapter/adapter_config.json")))["peft_type"] ==
        "IA3");
  for (const auto& [key, text] :
       {std::pair{
            "workload.lora_fa=true",
            "workload.lora_fa: expected false, because the adapter is one of (IA)^3, not of LoRA"},
        {"workload.optimizer.lora_plus={ratio: 4}",
         "workload.optimizer.lora_plus.ratio: expected 0, because the adapter is one of (IA)^3"}}) {
    const Outcome refused = workload.run("--set '" + std::string(key) + "'");
    CHECK(refused.code == 2);
    CHECK_THAT(refused.text, Contains(text));
  }
  workload.change_json("adapter/adapter_config.json",
                       [](Json& json) { json["peft_type"] = "XLORA"; });
  fs::remove_all(workload.path("out"));
  check_refusal(
      workload, 2,
      "'peft_type': expected one of \"LORA\", \"IA3\", \"LN_TUNING\", \"VERA\", \"MISS\", \"OFT\", "
      "\"LOHA\", \"LOKR\"");
}

TEST_CASE("Two runs of one configuration are equal to the bit") {
  for (const char* numerics : {"fp32", "bf16"}) {
    std::array<std::string, 2> adapters;
    for (std::string& adapter : adapters) {
      const Workload workload("bert");
      const Outcome outcome = workload.run(std::string("--set numerics=") + numerics);
      INFO(outcome.text);
      REQUIRE(outcome.code == 0);
      adapter = content_of(workload.path("out/adapter/adapter_model.safetensors"));
    }
    CHECK(adapters[0] == adapters[1]);
  }
}

TEST_CASE("On the accelerator the same command writes the reference's adapter, and what it cost") {
  const Workload workload("llama_gqa");
  const std::string more = "--set output.gradients=true --set output.logits=true --out ";
  const Outcome outcome = workload.run_at(
      "cycle", more + workload.path("device") + " --trace " + workload.path("t.json"));
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  CHECK_THAT(outcome.text, Contains("bits equal those of the reference") &&
                               Contains("device memory") && !Contains("MISMATCH"));
  REQUIRE(workload.run_at("reference", more + workload.path("out") + " --set numerics=bf16").code ==
          0);
  CHECK(workload.adapter_in("device") == workload.adapter_in("out"));
  for (const char* file : {"/gradients.safetensors", "/logits.safetensors"})
    CHECK(content_of(workload.path(std::string("device") + file)) ==
          content_of(workload.path(std::string("out") + file)));
  const Json report = Json::parse(content_of(workload.path("device/report.json")));
  const Json reference = Json::parse(content_of(workload.path("out/report.json")));
  CHECK(report["fidelity"] == "cycle");
  CHECK(report["numerics"] == "bf16");
  CHECK(report["training"]["losses"] == reference["training"]["losses"]);
  const Json& device = report["device"];
  CHECK(device["right"] == true);
  CHECK(device["steps"].size() == 4);
  // Each token that the mask keeps, of all micro-batches.
  const Tensor mask = read_safetensors(workload.path(kBatches)).tensors.at("attention_mask");
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < element_count(mask.shape); ++i)
    tokens += mask.data<std::int64_t>()[i];
  CHECK(device["tokens"] == tokens);
  CHECK(device["tokens_per_s"].get<double>() ==
        Approx(static_cast<double>(tokens) / device["simulated_s"].get<double>()));
  CHECK(device["silicon"]["j_per_token"].get<double>() ==
        Approx(device["energy"]["total_pj"].get<double>() * 1e-12 / static_cast<double>(tokens)));
  CHECK(fs::exists(workload.path("t.json")));
  CHECK_FALSE(reference.contains("device"));
}

TEST_CASE("Forward passes alone write a report with the loss, and no adapter") {
  for (const std::string fidelity : {"reference", "cycle"}) {
    const Workload workload("bert");
    const Outcome outcome = workload.run_at(
        fidelity,
        "--set workload.pass=forward --set output.logits=true --set numerics=bf16 --out " +
            workload.path("out"));
    INFO(outcome.text);
    REQUIRE(outcome.code == 0);
    CHECK_THAT(outcome.text, Contains(": LoRA forward passes of ") && Contains("; accuracy "));
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(workload.path("out")))
      files.push_back(entry.path().filename());
    std::sort(files.begin(), files.end());
    CHECK(files == std::vector<std::string>{"logits.safetensors", "report.html", "report.json"});
    const Json report = Json::parse(content_of(workload.path("out/report.json")));
    CHECK_FALSE(report.contains("training"));
    const Json& evaluation = report["evaluation"];
    CHECK(evaluation["losses"].size() == evaluation["steps"]);
    // Before any update: that of the first step of PEFT's run.
    const Tensor losses =
        read_safetensors(workload.path("expected.safetensors")).tensors.at("losses");
    CHECK(evaluation["losses"][0].get<double>() == Approx(losses.data<float>()[0]).epsilon(2e-3));
    CHECK(report["step"]["bytes"]["optimizer"] == 0);
    CHECK(report["step"]["macs"]["input_gradient"] == 0);
  }
}

TEST_CASE("What belongs to training is refused of forward passes") {
  const Workload workload("llama_gqa");
  const auto check = [&](const std::string& message, const std::string& more) {
    check_refusal(workload, 2, message, "--set workload.pass=forward --set " + more);
  };
  check("workload.optimizer.accumulate: expected 1, found 2", "workload.optimizer.accumulate=2");
  check("workload.state: expected none, found 's.safetensors'", "workload.state=s.safetensors");
  check("workload.checkpoint: expected 0, found 3", "workload.checkpoint=3");
  check("output.gradients: expected false, found true", "output.gradients=true");
  check("workload.pass: expected one of training, forward; found 'backward'",
        "workload.pass=backward");
  const Outcome layers =
      run_program("run " CORANK_CONFIGS "/quickstart.yaml --set workload.pass=forward");
  CHECK(layers.code == 2);
  CHECK_THAT(layers.text, Contains("workload.pass: found forward, which the step of a captured"));
}

TEST_CASE("What the compiler decides for a whole model is printed") {
  const Workload workload("llama_gqa");
  const auto print = [&](const std::string& what) {
    const Outcome outcome =
        run_program("compile " CORANK_CONFIGS "/finetune.yaml --print " + what +
                    " --set workload.model=" + workload.path("model") +
                    " --set workload.adapter=" + workload.path("adapter") +
                    " --set workload.batches=" + workload.path("batches.safetensors"));
    CHECK(outcome.code == 0);
    return outcome.text;
  };
  CHECK_THAT(print("graph"), Contains("cross_entropy"));
  CHECK_THAT(print("plan"), Contains("model.layers.1.mlp.down_proj"));
  CHECK_THAT(print("commands"), Contains("gemm attention_forward"));
}

TEST_CASE("A run on the accelerator refuses what it cannot do before it writes anything") {
  const Workload workload("llama_gqa");
  const auto check = [&](const std::string& message, const std::string& more,
                         const std::string& fidelity = "cycle") {
    const Outcome outcome = workload.run_at(fidelity, more + " --out " + workload.path("out"));
    INFO(outcome.text);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.text, Contains(message));
    CHECK_FALSE(workload.wrote_anything());
  };
  check("numerics: the accelerator computes in bf16; expected bf16, or no such key; found fp32",
        "--set numerics=fp32");
  check("values: off needs a model by its sizes", "--set values=off");
  check("workload.layers: repeated gives times alone", "--set workload.layers=repeated");
  check("workload.steps: token batches have as many steps as they have", "--set workload.steps=2");
  check("found both", "--set workload.capture=layer.safetensors");
  check("--waves: the cycle model has no signals", "--waves x.fst");
  check("--out: --fidelity both compares and reports nothing else", "", "both");
}

TEST_CASE("A model that does not fit the device memory is refused with its bytes by role") {
  const Workload workload("llama_gqa");
  const Outcome outcome = workload.run_at(
      "cycle", "--set memory.size_mib=1 --set workload.adapter=" + workload.path("adapter") +
                   " --out " + workload.path("out"));
  INFO(outcome.text);
  CHECK(outcome.code == 2);
  // The weights that the report of the reference counts, in BF16; what is trained, and its moments.
  CHECK_THAT(outcome.text, Contains("--set memory.size_mib=1: the step needs") &&
                               Contains("by their shapes alone: frozen 39232, ") &&
                               Contains("adapter 14848, optimizer 29696, "));
  CHECK_FALSE(workload.wrote_anything());
}

TEST_CASE("A run goes on from its state alone, and refuses every other") {
  const Workload workload("llama_gqa");
  const std::string bf16 = " --set numerics=bf16 ";
  REQUIRE(workload.run("--set workload.checkpoint=2" + bf16).code == 0);
  CHECK(read_safetensors(workload.path("out/state.safetensors")).metadata.at("steps") == "4");
  const auto go_on = [&](const std::string& more, const std::string& message) {
    const Outcome outcome = workload.run_at(
        "reference", "--set workload.adapter=" + workload.path("out/adapter") +
                         " --set workload.state=" + workload.path("out/state.safetensors") +
                         " --out " + workload.path("again") + " " + more);
    INFO(outcome.text);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.text, Contains("out/state.safetensors: ") && Contains(message));
    CHECK_FALSE(fs::exists(workload.path("again")));
  };
  go_on(bf16, "expected a state with steps left to do; found one after 4 of 4 steps");
  go_on("", "is the state of another model than workload.model, or of other numerics");
  go_on(bf16 + "--set workload.optimizer.lr=0.01", "is the state of another run: optimizer");
  go_on(bf16 + "--set workload.seed=3", "is the state of another run: seed");
  go_on(bf16 + "--set workload.adapter=" + workload.path("adapter"),
        "is the state of another adapter than workload.adapter");
  const auto change = [&](const std::function<void(SafetensorsFile&)>& how) {
    SafetensorsFile file = read_safetensors(workload.path("out/state.safetensors"));
    how(file);
    write_safetensors(workload.path("out/state.safetensors"), file);
  };
  change([](SafetensorsFile& file) { file.tensors.erase(file.tensors.begin()); });
  go_on(bf16, "expected, found no such tensor");
  change([](SafetensorsFile& file) { file.metadata["steps"] = "two"; });
  go_on(bf16, "whose metadata has the number of steps; found none");
  workload.change_tensors(
      kBatches, [](TensorMap& tensors) { tensors.at("input_ids").data<std::int64_t>()[0] ^= 1; });
  change([](SafetensorsFile& file) { file.metadata["steps"] = "2"; });
  go_on(bf16, "is the state of other batches than workload.batches");
}

TEST_CASE("A checkpoint without a place to write it is refused") {
  const Workload workload("llama_gqa");
  for (const char* fidelity : {"reference", "cycle"}) {
    const Outcome outcome = workload.run_at(fidelity, "--set workload.checkpoint=2");
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.text, Contains("workload.checkpoint: is written below --out DIR"));
  }
}

TEST_CASE("A folder or file that is not named, or not there, is refused") {
  const Outcome outcome = run_program("run " CORANK_CONFIGS "/finetune.yaml --fidelity reference");
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.text, Contains("workload.model is missing"));
  const Workload workload("llama_gqa");
  check_refusal(workload, 2, "workload.adapter: expected a folder, found '/nowhere'",
                "--set workload.adapter=/nowhere");
  check_refusal(workload, 2, "/nowhere: cannot be read", "--set workload.batches=/nowhere");
  check_refusal(workload, 2, "expected a multiple of 3 micro-batches",
                "--set workload.optimizer.accumulate=3");
  fs::remove(workload.path(kModel));
  check_refusal(workload, 2, "expected model.safetensors or model.safetensors.index.json");
}

TEST_CASE("Packed weights are laid out for the accelerator, or refused") {
  const Workload workload("llama_nf4");
  const Outcome compiled =
      run_program("compile " CORANK_CONFIGS "/finetune.yaml --print plan --set workload.model=" +
                  workload.path("model") + " --set workload.adapter=" + workload.path("adapter") +
                  " --set workload.batches=" + workload.path("batches.safetensors"));
  INFO(compiled.text);
  CHECK(compiled.code == 0);
  // Rows of 36 elements, in which blocks of 64 begin anywhere: a row has two scales of 8 bits.
  CHECK_THAT(compiled.text, Contains("model.layers.0.self_attn.q_proj.weight") &&
                                Contains("packed, 2 bytes of scales a row of a panel, 32 rows a "
                                         "group"));
  check_refusal(workload, 2, "workload.quantize: expected none, because",
                "--set workload.quantize=nf4");
  workload.change_json("model/config.json", [](Json& json) {
    json["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 3}, {"group_size", 128}};
  });
  check_refusal(workload, 2, "quantization_config: 'bits': expected 4 or 8 bits, found 3");
}

TEST_CASE("A truncated or foreign config.json is refused") {
  const Workload workload("llama_gqa");
  const std::string whole = content_of(workload.path("model/config.json"));
  workload.write("model/config.json", whole.substr(0, whole.size() / 2));
  check_refusal(workload, 2, ": is not valid JSON: it ends too early");
  workload.write("model/config.json", R"({"model_type": "gpt2"})");
  check_refusal(workload, 2, "'model_type': expected \"llama\" (LlamaForCausalLM, ");
  workload.write("model/config.json", whole);
  workload.change_json("model/config.json", [](Json& json) { json["vocab_size"] = 80; });
  check_refusal(workload, 2,
                "tensor 'model.embed_tokens.weight': expected shape [80, 32], found [64, 32]");
}

TEST_CASE("A missing, misshapen or damaged weight is refused") {
  const std::string weight = "model.layers.1.mlp.down_proj.weight";
  {
    const Workload workload("llama_gqa");
    workload.change_tensors(kModel, [&](TensorMap& tensors) { tensors.erase(weight); });
    check_refusal(workload, 2,
                  "tensor '" + weight + "': expected shape [32, 48], found no such tensor");
  }
  {
    const Workload workload("llama_gqa");
    workload.change_tensors(kModel, [&](TensorMap& tensors) {
      tensors[weight] = Tensor(DType::F32, {48, 32});
    });
    check_refusal(workload, 2, "tensor '" + weight + "': expected shape [32, 48], found [48, 32]");
  }
  {
    const Workload workload("llama_gqa");
    workload.change_tensors(kModel, [&](TensorMap& tensors) { tensors.erase("lm_head.weight"); });
    check_refusal(workload, 2, "tensor 'lm_head.weight': expected shape [64, 32], found no such");
  }
  {
    const Workload workload("llama_gqa");
    const std::string whole = content_of(workload.path(kModel));
    workload.write(kModel, whole.substr(0, whole.size() - 4));
    check_refusal(workload, 2, "model.safetensors: tensor");
  }
}

TEST_CASE("An adapter that does not fit its configuration is refused") {
  const Workload workload("llama_gqa");
  workload.change_json("adapter/adapter_config.json", [](Json& json) { json["r"] = 5; });
  check_refusal(workload, 2, "lora_A.weight': expected shape [5, 32], found [4, 32]");
  workload.change_json("adapter/adapter_config.json", [](Json& json) {
    json["r"] = 4;
    json.erase("lora_alpha");
  });
  check_refusal(workload, 2, "'lora_alpha': expected a number, found no such key");
  workload.change_json("adapter/adapter_config.json", [](Json& json) {
    json["lora_alpha"] = 8;
    json["use_qalora"] = true;
  });
  check_refusal(workload, 2, "'use_qalora': true is not supported");
}

TEST_CASE("A factor that no float holds is refused with its key and its file") {
  const Workload workload("llama_gqa");
  workload.change_json("adapter/adapter_config.json",
                       [](Json& config) { config["lora_alpha"] = 1e300; });
  // No message holds the 301 digits.
  check_refusal(workload, 2,
                "corank: " + workload.path("adapter/adapter_config.json") +
                    ": 'lora_alpha': expected a number that FP32 holds, found 1e+300\n");
}

TEST_CASE("Wrong batches are refused") {
  const auto with = [](const std::string& name, std::int64_t element, std::int64_t value) {
    return [=](TensorMap& tensors) { tensors.at(name).data<std::int64_t>()[element] = value; };
  };
  {
    const Workload workload("llama_gqa");
    workload.change_tensors(kBatches, with("input_ids", 12, 64));
    check_refusal(
        workload, 2,
        "'input_ids' at [0, 1, 2]: expected an id of the vocabulary, from 0 to 63, found 64");
  }
  {
    const Workload workload("llama_gqa");
    workload.change_tensors(kBatches, [](TensorMap& tensors) {
      Tensor& labels = tensors.at("labels");
      std::fill_n(labels.data<std::int64_t>(), element_count(labels.shape) / 4, -100);
    });
    check_refusal(workload, 2, "every label of micro-batch 0 is -100");
  }
  {
    const Workload workload("bert");
    workload.change_tensors(kBatches, with("labels", 0, 3));
    check_refusal(workload, 2, "'labels' at [0, 0]: expected a class, from 0 to 2");
  }
}

TEST_CASE("A loss that is not a number ends a run on the accelerator alike") {
  const Workload workload("llama_gqa");
  workload.change_tensors(kModel, [](TensorMap& tensors) {
    tensors.at("model.norm.weight").data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  });
  const Outcome outcome = workload.run_at("cycle", "--out " + workload.path("out"));
  CHECK(outcome.code == 1);
  CHECK_THAT(outcome.text, Contains("the loss of step 1"));
  CHECK_FALSE(workload.wrote_anything());
}

TEST_CASE("A loss that is not a number ends the run with exit code 1 and no files") {
  const Workload workload("llama_gqa");
  workload.change_tensors(kModel, [](TensorMap& tensors) {
    tensors.at("model.norm.weight").data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  });
  for (const char* numerics : {"fp32", "fp64", "bf16"})
    check_refusal(workload, 1, "the loss of step 1", std::string("--set numerics=") + numerics);
}

TEST_CASE("What belongs to another fidelity is refused") {
  const Workload workload("llama_gqa");
  check_refusal(workload, 2, "--waves: the reference has no signals", "--waves x.fst");
  check_refusal(workload, 2, "--trace: the reference has no cycles", "--trace x.json");
  check_refusal(workload, 2, "values: off needs --fidelity cycle", "--set values=off");
  check_refusal(workload, 2, "workload.layers: repeated needs --fidelity cycle",
                "--set workload.layers=repeated");
}

TEST_CASE("An adapter is not written over the one that the run starts from") {
  const Workload workload("llama_gqa");
  fs::create_directories(workload.path("out"));
  fs::copy(workload.path("adapter"), workload.path("out/adapter"), fs::copy_options::recursive);
  const std::string before = content_of(workload.path("out/adapter/adapter_model.safetensors"));
  const Outcome outcome = workload.run("--set workload.adapter=" + workload.path("out/adapter"));
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.text, Contains("would be written over") &&
                               Contains("out/adapter/adapter_model.safetensors, which this run"));
  CHECK(content_of(workload.path("out/adapter/adapter_model.safetensors")) == before);
}

TEST_CASE("What the files say and the run does not do is on the terminal and in the report") {
  const Workload workload("bert");
  workload.change_json("model/config.json", [](Json& json) { json["made_by"] = "somebody"; });
  workload.change_tensors(kModel, [](TensorMap& tensors) {
    tensors["cls.predictions.bias"] = Tensor(DType::F32, {64});
  });
  const Outcome outcome = workload.run();
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  const Json notes = Json::parse(content_of(workload.path("out/report.json")))["notes"];
  REQUIRE(notes.size() == 4);
  for (const char* said :
       {"'hidden_dropout_prob': 0.1 is not applied",
        "'attention_probs_dropout_prob': 0.1 is not applied",
        "unknown keys are passed over: 'made_by'", "are not used: 'cls.predictions.bias'"}) {
    CHECK_THAT(outcome.text, Contains(std::string("note: ")) && Contains(said));
    CHECK(std::any_of(notes.begin(), notes.end(), [&](const Json& note) {
      return note.get<std::string>().find(said) != std::string::npos;
    }));
  }
  const Workload plain("llama_gqa");
  const Outcome quiet = plain.run();
  CHECK_THAT(quiet.text, !Contains("note:"));
  CHECK(Json::parse(content_of(plain.path("out/report.json")))["notes"].empty());
}

TEST_CASE("A git-lfs pointer in place of any file is called so") {
  for (const char* name :
       {"model/config.json", "model/model.safetensors", "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors", "batches.safetensors"}) {
    const Workload workload("llama_gqa");
    workload.write(name,
                   "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 17040\n");
    check_refusal(workload, 2, std::string(name) + ": is a git-lfs pointer");
  }
}

TEST_CASE("A FIFO in place of any file is refused at once") {
  for (const char* name :
       {"model/config.json", "model/model.safetensors", "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors", "batches.safetensors"}) {
    const Workload workload("llama_gqa");
    fs::remove(workload.path(name));
    REQUIRE(::mkfifo(workload.path(name).c_str(), 0600) == 0);
    check_refusal(workload, 2, std::string(name) + ": expected a file, found a FIFO");
  }
}

TEST_CASE("Folders that only PyTorch can read are refused with what makes safetensors of them") {
  const Workload workload("llama_gqa");
  fs::rename(workload.path("adapter/adapter_model.safetensors"),
             workload.path("adapter/adapter_model.bin"));
  check_refusal(workload, 2, "found adapter_model.bin, a pickle of PyTorch's");
  fs::rename(workload.path(kModel), workload.path("model/pytorch_model.bin"));
  check_refusal(workload, 2, "found pytorch_model.bin, a pickle of PyTorch's");
}

TEST_CASE("An adapter keeps the embeddings that its file brings along") {
  const Workload workload("llama_new_embeddings");
  REQUIRE(workload.run().code == 0);
  const auto before = read_safetensors(workload.path("adapter/adapter_model.safetensors")).tensors;
  const auto after =
      read_safetensors(workload.path("out/adapter/adapter_model.safetensors")).tensors;
  REQUIRE(before.size() == after.size());
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"}) {
    const std::string tensor = std::string("base_model.model.") + name;
    CHECK(before.at(tensor).bytes == after.at(tensor).bytes);
  }
}

TEST_CASE("A message about a folder with a name of any length is short") {
  const Workload workload("llama_gqa");
  const Outcome outcome = workload.run("--set workload.model=/" + std::string(5000, 'x'));
  CHECK(outcome.code == 2);
  CHECK(outcome.text.size() < 1700);
  CHECK_THAT(outcome.text, Contains(" ... ") && Contains("not there"));
}
