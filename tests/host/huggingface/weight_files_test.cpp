#include "host/huggingface/weight_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <string>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

Tensor f32(const Shape& shape, float first) {
  Tensor tensor(DType::F32, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<float>()[i] = first + static_cast<float>(i);
  return tensor;
}

void write(const TemporaryFolder& folder, const std::string& name, const TensorMap& tensors) {
  write_safetensors(folder.file(name), {tensors, {}});
}

float first_of(const TensorView& view) { return to_f32(view, "x").data<float>()[0]; }

std::string refusal(const TemporaryFolder& folder) {
  return message_of<InputError>([&] { WeightFiles(folder.file("")); });
}

}  // namespace

TEST_CASE("A tensor is found by its full name, or without the prefix of the model") {
  const TemporaryFolder folder;
  write(folder, "model.safetensors",
        {{"norm.weight", f32({2}, 1)},
         {"model.layers.0.w", f32({2, 3}, 5)},
         {"lm_head.weight", f32({1}, 9)}});
  const WeightFiles files(folder.file(""));
  CHECK(first_of(files.require("model.norm.weight", "model.", {2})) == 1);
  CHECK(first_of(files.require("model.layers.0.w", "model.", {2, 3})) == 5);
  CHECK(first_of(files.require("lm_head.weight", "model.", {1})) == 9);
  CHECK(files.find("model.head.weight", "model.") == nullptr);
  const auto refusal_of = [&](const std::string& name, const Shape& shape) {
    return message_of<InputError>([&] { files.require(name, "model.", shape); });
  };
  CHECK_THAT(refusal_of("model.embed.weight", {4}),
             Contains("model.safetensors: tensor 'model.embed.weight': expected shape [4], found "
                      "no such tensor"));
  CHECK_THAT(refusal_of("model.layers.0.w", {3, 2}),
             Contains("expected shape [3, 2], found [2, 3]"));
}

TEST_CASE("Shards are read by their index") {
  const TemporaryFolder folder;
  write(folder, "model-1.safetensors", {{"a", f32({1}, 1)}});
  write(folder, "model-2.safetensors", {{"b", f32({1}, 2)}});
  folder.write("model.safetensors.index.json",
               R"({"metadata": {"total_size": 8},
                   "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})");
  {
    const WeightFiles files(folder.file(""));
    CHECK(first_of(files.require("a", "", {1})) == 1);
    CHECK(first_of(files.require("b", "", {1})) == 2);
  }
  const auto with_map = [&](const std::string& map) {
    folder.write("model.safetensors.index.json", R"({"weight_map": {)" + map + "}}");
    return refusal(folder);
  };
  CHECK_THAT(with_map(R"("c": "model-2.safetensors")"),
             Contains("model-2.safetensors: expected the tensor 'c'"));
  CHECK_THAT(with_map(R"("a": "model-3.safetensors")"), Contains("model-3.safetensors: cannot"));
  CHECK_THAT(with_map(R"("a": "../model-1.safetensors")"), Contains("in the same folder"));
  CHECK_THAT(with_map(R"("a": 1)"), Contains("weight_map: 'a': expected a text, found 1"));
}

TEST_CASE("A tensor of a shard is there even where the index leaves it out") {
  const TemporaryFolder folder;
  write(folder, "model-1.safetensors", {{"a", f32({1}, 1)}, {"b", f32({1}, 2)}});
  folder.write("model.safetensors.index.json", R"({"weight_map": {"a": "model-1.safetensors"}})");
  const WeightFiles files(folder.file(""));
  CHECK(files.names() == std::vector<std::string>{"a", "b"});
  CHECK(first_of(files.require("b", "", {1})) == 2);
}

TEST_CASE("LayerNorm's gamma and beta of old files are its weight and bias") {
  const TemporaryFolder folder;
  write(folder, "model.safetensors",
        {{"bert.a.LayerNorm.gamma", f32({1}, 1)},
         {"b.LayerNorm.beta", f32({1}, 2)},
         {"bert.gamma", f32({1}, 3)}});
  {
    const WeightFiles files(folder.file(""));
    CHECK(first_of(files.require("bert.a.LayerNorm.weight", "bert.", {1})) == 1);
    CHECK(first_of(files.require("bert.b.LayerNorm.bias", "bert.", {1})) == 2);
    CHECK(files.names() ==
          std::vector<std::string>{"b.LayerNorm.bias", "bert.a.LayerNorm.weight", "bert.gamma"});
  }
  write(folder, "model.safetensors",
        {{"x.LayerNorm.gamma", f32({1}, 1)}, {"x.LayerNorm.weight", f32({1}, 2)}});
  CHECK_THAT(refusal(folder), Contains("'x.LayerNorm.weight' is there twice, by its old and"));
  write(folder, "model-1.safetensors", {{"x.LayerNorm.gamma", f32({1}, 4)}});
  std::filesystem::remove(folder.file("model.safetensors"));
  folder.write("model.safetensors.index.json",
               R"({"weight_map": {"x.LayerNorm.gamma": "model-1.safetensors"}})");
  CHECK(first_of(WeightFiles(folder.file("")).require("x.LayerNorm.weight", "", {1})) == 4);
}

TEST_CASE("A shard's name with a control character is refused with the byte") {
  const TemporaryFolder folder;
  folder.write("model.safetensors.index.json", R"({"weight_map": {"w": "a\u0000b", "v": "a"}})");
  CHECK_THAT(refusal(folder), Contains("weight_map: 'w': expected the name of a file, found "
                                       "'a\\x00b' with the byte \\x00 in it"));
  folder.write("model.safetensors.index.json", R"({"weight_map": {"w": "a\nb"}})");
  CHECK_THAT(refusal(folder), Contains("with the byte \\n in it"));
}

TEST_CASE("Weights of PyTorch's own format are refused with the way to safetensors") {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    const TemporaryFolder folder;
    folder.write(name, "x");
    CHECK_THAT(refusal(folder),
               Contains(std::string("found ") + name) && Contains("save_pretrained"));
  }
  const TemporaryFolder folder;
  folder.write("tf_model.h5", "x");
  CHECK_THAT(refusal(folder), Contains("found tf_model.h5, weights of another library"));
}

TEST_CASE("A special file or a git-lfs pointer in place of weights is refused") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("model.safetensors").c_str(), 0600) == 0);
  CHECK_THAT(refusal(folder), Contains("model.safetensors: expected a file, found a FIFO"));
  const TemporaryFolder other;
  REQUIRE(::mkfifo(other.file("model.safetensors.index.json").c_str(), 0600) == 0);
  CHECK_THAT(refusal(other), Contains("index.json: expected a file, found a FIFO"));
  const TemporaryFolder pointer;
  pointer.write("model.safetensors.index.json",
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  CHECK_THAT(refusal(pointer), Contains("index.json: is a git-lfs pointer"));
}

TEST_CASE("A folder without weights, or with damaged ones, is refused") {
  const TemporaryFolder folder;
  CHECK_THAT(refusal(folder), Contains("model.safetensors.index.json, found neither"));
  folder.write("model.safetensors", "short");
  CHECK_THAT(refusal(folder), Contains("expected at least 8 bytes, found 5"));
  write(folder, "model.safetensors", {{"a", f32({4}, 1)}});
  const std::string whole = content_of(folder.file("model.safetensors"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO("cut to " << length << " bytes");
    folder.write("model.safetensors", whole.substr(0, length));
    CHECK_THAT(refusal(folder), Contains("model.safetensors: "));
  }
}

TEST_CASE("A weight that was copied is given back, so that a model is in memory once") {
  // Bytes of mapped files in memory: the third number of /proc/self/statm, in pages.
  const auto mapped_bytes = [] {
    std::int64_t size = 0, resident = 0, files = 0;
    std::ifstream("/proc/self/statm") >> size >> resident >> files;
    return files * ::sysconf(_SC_PAGESIZE);
  };
  const std::int64_t bytes = 32 << 20;
  const TemporaryFolder folder;
  write(folder, "model.safetensors",
        {{"first", f32({7}, 3)}, {"large", f32({bytes / 4}, 1)}, {"next", f32({5}, 2)}});
  const WeightFiles files(folder.file(""));
  const TensorView& large = files.require("large", "", {bytes / 4});
  const std::int64_t before = mapped_bytes();
  CHECK(first_of(large) == 1);
  CHECK(mapped_bytes() - before > bytes * 9 / 10);
  release(large);
  CHECK(mapped_bytes() - before < bytes / 10);
  // Nothing is lost, in the neighbours' shared pages neither.
  CHECK(to_f32(large, "x").data<float>()[1000] == 1001);
  CHECK(first_of(files.require("first", "", {7})) == 3);
  CHECK(first_of(files.require("next", "", {5})) == 2);
  release({stored_dtype(DType::F32), {0}, large.data});  // of nothing
}

TEST_CASE("F16 and BF16 elements widen exactly, and round to nearest even") {
  Tensor half(DType::F16, {6});
  // 1.5, -2, the smallest subnormal 2^-24, the largest 65504, infinity, 1 + 2^-10
  const std::uint16_t halves[] = {0x3E00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x3C01};
  std::copy(std::begin(halves), std::end(halves), half.data<std::uint16_t>());
  const TensorView view = view_of(half);
  const Tensor wide = to_f32(view, "x");
  const float* elements = wide.data<float>();
  CHECK(elements[0] == 1.5f);
  CHECK(elements[1] == -2.0f);
  CHECK(elements[2] == std::ldexp(1.0f, -24));
  CHECK(elements[3] == 65504.0f);
  CHECK(std::isinf(elements[4]));
  CHECK(elements[5] == 1.0009765625f);
  // BF16 has 8 bits of fraction with the hidden one: 1 + 2^-10 rounds to 1, 65504 to 65536.
  const Tensor rounded = to_bf16(view, "x");
  CHECK(rounded.data<std::uint16_t>()[5] == 0x3F80);
  CHECK(rounded.data<std::uint16_t>()[3] == 0x4780);
  const Tensor integers(DType::I64, {1});
  CHECK(message_of<InputError>([&] { to_f32(view_of(integers), "ids"); }) ==
        "ids: expected F32, F16 or BF16, found I64");
}
