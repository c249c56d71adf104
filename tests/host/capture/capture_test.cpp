#include "host/capture/capture.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "tests/host/capture/small_capture.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

using Change = std::function<void(SafetensorsFile&)>;

Capture read(const SafetensorsFile& file) {
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, file);
  return read_capture(path);
}

/// Why the small capture (9 tokens, 40 -> 24, r = 3) is refused after a change, without the path in
/// front; "" if it is not.
std::string refusal(const Change& change) {
  SafetensorsFile file = small_capture();
  change(file);
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, file);
  const std::string message = message_of<InputError>([&] { read_capture(path); });
  if (message.empty()) return "";
  CHECK_THAT(message, Catch::StartsWith(path + ": "));
  CHECK(message.find('\n') == std::string::npos);
  return message.substr(path.size() + 2);
}

std::string refusal_of_metadata(const std::string& key, const std::string& value) {
  return refusal([&](SafetensorsFile& file) { file.metadata[key] = value; });
}

std::string refusal_of_tensor(const std::string& name, DType dtype, const Shape& shape) {
  return refusal([&](SafetensorsFile& file) { file.tensors[name] = Tensor(dtype, shape); });
}

Tensor f32(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(DType::F32, shape);
  for (std::size_t i = 0; i < values.size(); ++i) tensor.data<float>()[i] = values[i];
  return tensor;
}

}  // namespace

TEST_CASE("a capture gives sizes, scale, step and every input of the graph", "[capture]") {
  SafetensorsFile file = small_capture();
  file.metadata["use_rslora"] = "true";
  file.metadata["lora_alpha"] = "4.5";
  const Capture capture = read(file);
  CHECK(capture.layer.tokens == 9);
  CHECK(capture.layer.in == 40);
  CHECK(capture.layer.out == 24);
  CHECK(capture.layer.lora.rank == 3);
  CHECK(capture.layer.lora.alpha == 4.5);
  CHECK(capture.layer.lora.rank_stabilized);
  CHECK(capture.layer.next_update == 3);
  CHECK(capture.layer.has_bias);

  CHECK(capture.inputs.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    INFO(name);
    REQUIRE(capture.inputs.count(name) == 1);
    CHECK(capture.inputs.at(name).bytes == tensor.bytes);
  }
  // The reference refuses an input that is missing, misshapen or of another dtype.
  const TrainingProgram program = linear_layers({capture.layer});
  TensorMap values = inputs_of(program, capture.inputs);
  CHECK_NOTHROW(run_bit_exact(program.graph, values));
}

TEST_CASE("use_rslora is false and step is 1 where the metadata does not say", "[capture]") {
  SafetensorsFile file = small_capture();
  file.metadata.erase("use_rslora");
  file.metadata.erase("step");
  const Capture capture = read(file);
  CHECK_FALSE(capture.layer.lora.rank_stabilized);
  CHECK(capture.layer.next_update == 1);
}

TEST_CASE("F32 operands are rounded to BF16, to nearest even, and kept as they were", "[capture]") {
  // 1 + 2^-8 lies between 3f80 and 3f81, 1 + 3 * 2^-8 between 3f81 and 3f82: ties go to the even
  // one. 1 + 2^-8 + 2^-23 is beyond the tie.
  const std::vector<float> values = {1.00390625f, 1.01171875f, 1.00390637f, -2.5f};
  const std::vector<std::uint16_t> rounded = {0x3f80, 0x3f82, 0x3f81, 0xc020};
  SafetensorsFile file = small_capture({2, 2, 2, 1, 1});
  for (const char* name : {"x", "dy", "weight"}) file.tensors[name] = f32({2, 2}, values);
  const Capture capture = read(file);
  for (const char* name : {"x", "dy", "weight"}) {
    INFO(name);
    REQUIRE(capture.inputs.at(name).dtype == DType::BF16);
    CHECK(capture.inputs.at(name).shape == Shape{2, 2});
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(capture.inputs.at(name).data<std::uint16_t>()[i] == rounded[i]);
    CHECK(capture.originals.at(name).dtype == DType::F32);
    CHECK(capture.originals.at(name).bytes == file.tensors.at(name).bytes);
    CHECK(capture.originals.size() == 3);  // what is not rounded is not kept twice
  }
}

TEST_CASE("a BF16 bias is widened", "[capture]") {
  SafetensorsFile file = small_capture({2, 2, 2, 1, 1});
  Tensor bias(DType::BF16, {2});
  bias.data<std::uint16_t>()[0] = 0x3fc0;  // 1.5
  bias.data<std::uint16_t>()[1] = 0xbe80;  // -0.25
  file.tensors["bias"] = bias;
  const Capture capture = read(file);
  REQUIRE(capture.inputs.at("bias").dtype == DType::F32);
  CHECK(capture.inputs.at("bias").data<float>()[0] == 1.5f);
  CHECK(capture.inputs.at("bias").data<float>()[1] == -0.25f);
}

TEST_CASE("bias and moments may be absent: no bias, moments of zero", "[capture]") {
  SafetensorsFile file = small_capture();
  for (const char* name : {"bias", "lora_A.exp_avg", "lora_A.exp_avg_sq", "lora_B.exp_avg_sq"})
    file.tensors.erase(name);
  const Capture capture = read(file);
  CHECK_FALSE(capture.layer.has_bias);
  CHECK(capture.inputs.count("bias") == 0);
  CHECK(capture.inputs.at("lora_A.exp_avg").shape == Shape{3, 40});
  CHECK(capture.inputs.at("lora_B.exp_avg_sq").shape == Shape{24, 3});
  for (const char* name : {"lora_A.exp_avg", "lora_A.exp_avg_sq", "lora_B.exp_avg_sq"}) {
    INFO(name);
    const Tensor& moment = capture.inputs.at(name);
    CHECK(moment.dtype == DType::F32);
    CHECK(moment.bytes == std::vector<std::byte>(moment.bytes.size()));
  }
  CHECK(capture.inputs.at("lora_B.exp_avg").bytes == file.tensors.at("lora_B.exp_avg").bytes);
}

TEST_CASE("a missing tensor is refused by name", "[capture]") {
  for (const std::string name : {"x", "dy", "weight", "lora_A", "lora_B"}) {
    CHECK(refusal([&](SafetensorsFile& file) { file.tensors.erase(name); }) ==
          "tensor \"" + name + "\" is missing");
  }
}

TEST_CASE("a tensor that no capture has is refused by name", "[capture]") {
  const auto refused = [](const std::string& name) {
    return refusal_of_tensor(name, DType::F32, {24, 3});
  };
  CHECK(
      refused("lora_B.exp_av") ==
      "unknown tensor 'lora_B.exp_av'; a capture has x, dy, weight, bias, lora_A, lora_A.exp_avg, "
      "lora_A.exp_avg_sq, lora_B, lora_B.exp_avg, lora_B.exp_avg_sq");
  CHECK_THAT(refused("X"), Contains("unknown tensor 'X'"));
  CHECK_THAT(refused(""), Contains("unknown tensor ''"));
}

TEST_CASE("a wrong shape is refused with what was expected and found", "[capture]") {
  CHECK(refusal_of_tensor("x", DType::BF16, {360}) ==
        "tensor \"x\": expected a matrix (2 dimensions), found [360]");
  CHECK(refusal_of_tensor("x", DType::BF16, {1, 9, 40}) ==
        "tensor \"x\": expected a matrix (2 dimensions), found [1, 9, 40]");
  CHECK(refusal_of_tensor("weight", DType::BF16, {24, 39}) ==
        "tensor \"weight\": expected shape [24, 40] (columns as x), found [24, 39]");
  CHECK_THAT(refusal_of_tensor("dy", DType::BF16, {8, 24}),
             Contains("expected shape [9, 24]") && Contains("found [8, 24]"));
  CHECK_THAT(refusal_of_tensor("lora_A", DType::F32, {40, 3}),
             Contains("expected shape [3, 40]") && Contains("found [40, 3]"));
  CHECK_THAT(refusal_of_tensor("lora_B", DType::F32, {3, 24}),
             Contains("expected shape [24, 3]") && Contains("found [3, 24]"));
  CHECK(refusal_of_tensor("bias", DType::F32, {1, 24}) ==
        "tensor \"bias\": expected shape [24] ([out]), found [1, 24]");
  CHECK(refusal_of_tensor("lora_A.exp_avg", DType::F32, {24, 3}) ==
        "tensor \"lora_A.exp_avg\": expected shape [3, 40] (as lora_A), found [24, 3]");
  CHECK(refusal_of_tensor("lora_B.exp_avg_sq", DType::F32, {72}) ==
        "tensor \"lora_B.exp_avg_sq\": expected shape [24, 3] (as lora_B), found [72]");
}

TEST_CASE("a tensor without rows or columns is refused", "[capture]") {
  for (const std::string name : {"x", "dy", "weight"}) {
    CHECK(refusal_of_tensor(name, DType::BF16, {0, 40}) ==
          "tensor \"" + name + "\": expected at least one row and one column, found [0, 40]");
  }
  CHECK_THAT(refusal_of_tensor("x", DType::BF16, {9, 0}), Contains("found [9, 0]"));
  CHECK_THAT(refusal_of_tensor("lora_A", DType::F32, {0, 40}), Contains("found [0, 40]"));
}

TEST_CASE("a wrong dtype is refused by name", "[capture]") {
  CHECK(refusal_of_tensor("x", DType::F16, {9, 40}) ==
        "tensor \"x\": expected dtype BF16 or F32, found F16");
  CHECK(refusal_of_tensor("weight", DType::U8, {24, 40}) ==
        "tensor \"weight\": expected dtype BF16 or F32, found U8");
  CHECK(refusal_of_tensor("dy", DType::I32, {9, 24}) ==
        "tensor \"dy\": expected dtype BF16 or F32, found I32");
  CHECK(refusal_of_tensor("bias", DType::I64, {24}) ==
        "tensor \"bias\": expected dtype BF16 or F32, found I64");
  // The masters and moments are what AdamW adds tiny steps to: BF16 would not do.
  CHECK(refusal_of_tensor("lora_A", DType::BF16, {3, 40}) ==
        "tensor \"lora_A\": expected dtype F32, found BF16");
  CHECK(refusal_of_tensor("lora_B", DType::BF16, {24, 3}) ==
        "tensor \"lora_B\": expected dtype F32, found BF16");
  CHECK(refusal_of_tensor("lora_B.exp_avg", DType::BF16, {24, 3}) ==
        "tensor \"lora_B.exp_avg\": expected dtype F32, found BF16");
}

TEST_CASE("a dtype that corank does not compute with is refused where it is used", "[capture]") {
  // The same capture with a tensor of F32 called U32.
  const auto refusal_with = [](const std::string& tensor) {
    SafetensorsFile file = small_capture();
    const TemporaryFolder folder;
    const std::string path = folder.file("layer.safetensors");
    write_safetensors(path, file);
    std::string bytes = content_of(path);
    const std::string dtype = "\"" + tensor + "\":{\"dtype\":\"";
    const std::size_t at = bytes.find(dtype + "F32");
    REQUIRE(at != std::string::npos);
    bytes.replace(at + dtype.size(), 3, "U32");
    folder.write("layer.safetensors", bytes);
    return message_of<InputError>([&] { read_capture(path); });
  };
  for (const std::string tensor : {"bias", "lora_A", "lora_B.exp_avg"})
    CHECK_THAT(refusal_with(tensor), Contains("tensor \"" + tensor +
                                              "\": expected dtype BF16 or F32, "
                                              "found U32"));
}

TEST_CASE("missing metadata is refused by name", "[capture]") {
  for (const std::string key : {"r", "lora_alpha"}) {
    CHECK(refusal([&](SafetensorsFile& file) { file.metadata.erase(key); }) ==
          "metadata \"" + key + "\" is missing");
  }
}

TEST_CASE("metadata that is no number, or not a whole one, is refused", "[capture]") {
  for (const std::string text : {"", "three", "3x", "nan", "inf", "1e999", "1e39"}) {
    INFO("\"" << text << "\"");
    for (const std::string key : {"r", "lora_alpha", "step"}) {
      CHECK(refusal_of_metadata(key, text) ==
            "metadata \"" + key + "\": expected a number that FP32 holds, found \"" + text + "\"");
    }
  }
  for (const std::string text : {"0", "-3", "2.5", "1e30"}) {
    INFO("\"" << text << "\"");
    for (const std::string key : {"r", "step"}) {
      CHECK(refusal_of_metadata(key, text) ==
            "metadata \"" + key + "\": expected a whole number of at least 1, found " + text);
    }
  }
}

TEST_CASE("an r that does not match the adapter is refused", "[capture]") {
  CHECK_THAT(refusal_of_metadata("r", "4"),
             Contains("tensor \"lora_A\"") && Contains("[4, 40]") && Contains("found [3, 40]"));
}

TEST_CASE("use_rslora is true or false and nothing else", "[capture]") {
  for (const std::string text : {"True", "1", "yes", ""}) {
    CHECK(refusal_of_metadata("use_rslora", text) ==
          "metadata \"use_rslora\": expected \"true\" or \"false\", found \"" + text + "\"");
  }
}

TEST_CASE("a capture that cannot be read is refused by its path", "[capture]") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("missing.safetensors");
  CHECK_THAT(message_of<InputError>([&] { read_capture(missing); }),
             Catch::StartsWith(missing + ": cannot be read"));
}
