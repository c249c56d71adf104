#include "models/quantized/decode.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/ops/contraction.h"
#include "models/quantized/quantize.h"
#include "models/reference/execute.h"
#include "tests/models/tensors.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

void put_codes(QuantizedTensor& tensor, const std::vector<unsigned>& codes) {
  for (std::size_t i = 0; i < codes.size(); ++i)
    put_code(tensor.codes, code_bits(tensor.format.code), static_cast<std::int64_t>(i), codes[i]);
}

StorageFormat integers(ElementCode code, std::int64_t block, DType scale, DType arithmetic) {
  StorageFormat format;
  format.code = code;
  format.blocks = Blocks::kAlongRow;
  format.block = block;
  format.scale = scale;
  format.arithmetic = arithmetic;
  return format;
}

std::vector<float> decoded_floats(const QuantizedTensor& tensor) {
  return floats(decoded(tensor, DType::F32));
}

}  // namespace

TEST_CASE("Blocks of a flat order straddle rows, and the last one may be short") {
  StorageFormat format;
  format.block = 4;
  QuantizedTensor tensor(format, {3, 3});  // odd: half of the last byte is unused
  CHECK(tensor.codes.size() == 5);
  put_codes(tensor, {15, 0, 15, 15, 0, 15, 0, 0, 15});
  tensor.scales = f32({3}, {1, 2, 4});
  CHECK(decoded_floats(tensor) == std::vector<float>{1, -1, 1, 1, -2, 2, -2, -2, 4});
}

TEST_CASE("Groups along a row begin with it") {
  QuantizedTensor tensor(integers(ElementCode::kUnsigned4, 2, DType::F32, DType::F32), {2, 3});
  tensor.format.zero = 8;
  put_codes(tensor, {9, 9, 9, 7, 7, 0});
  tensor.scales = f32({4}, {1, 2, 4, 8});
  CHECK(decoded_floats(tensor) == std::vector<float>{1, 1, 2, -4, -4, -64});
}

TEST_CASE("A zero of each scale, and a minimum, are those of its block") {
  StorageFormat format = integers(ElementCode::kUnsigned4, 2, DType::F16, DType::F32);
  format.zeros = format.minimums = true;
  QuantizedTensor tensor(format, {1, 4});
  put_codes(tensor, {15, 0, 15, 0});
  put_code(tensor.zeros, 4, 0, 3);
  put_code(tensor.zeros, 4, 1, 15);
  tensor.scales.data<std::uint16_t>()[0] = 0x3C00;    // 1
  tensor.scales.data<std::uint16_t>()[1] = 0x0001;    // 2^-24
  tensor.minimums.data<std::uint16_t>()[0] = 0xC900;  // -10
  CHECK(decoded_floats(tensor) == std::vector<float>{2, -13, 0, -15 * 0x1p-24f});
}

TEST_CASE("Codes of 8 bits have a sign") {
  QuantizedTensor tensor(integers(ElementCode::kSigned8, 4, DType::F32, DType::F32), {1, 4});
  put_codes(tensor, {0, 127, 128, 255});
  tensor.scales = f32({1}, {0.5f});
  CHECK(decoded_floats(tensor) == std::vector<float>{0, 63.5f, -64, -0.5f});
}

TEST_CASE("A scale that is a code is a product and a sum, each rounded by itself") {
  StorageFormat format;
  format.block = 1;
  format.scale = DType::U8;
  format.nested_block = 2;
  QuantizedTensor tensor(format, {1, 3});
  put_codes(tensor, {15, 15, 15});
  for (std::size_t i = 0; i < 3; ++i)
    tensor.scales.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
  // (1 + 2^-23)(1 + 2^-12) is 1 + 2^-12 + 2^-23 + 2^-35, of which FP32 keeps all but the last term;
  // less 1 + 2^-12 that is 2^-23, and with one rounding at the end 2^-23 + 2^-35.
  tensor.nested_map[0] = 1 + 0x1p-23f;
  tensor.nested_map[1] = 0.5f;
  tensor.nested_map[2] = 2;
  tensor.nested_scales = {1 + 0x1p-12f, 3};
  tensor.offset = -(1 + 0x1p-12f);
  CHECK(decoded_floats(tensor) ==
        std::vector<float>{0x1p-23f, 0.5f * (1 + 0x1p-12f) - (1 + 0x1p-12f), 5 - 0x1p-12f});
}

TEST_CASE("A product is rounded once, in the arithmetic of the format") {
  // 13 x (1 + 2^-10) is 13 + 13 x 2^-10: F16 has a unit of 2^-7 there, BF16 (1 + 2^-7) one of 2^-4.
  const auto element = [](DType arithmetic, DType scale, std::uint16_t bits) {
    QuantizedTensor tensor(integers(ElementCode::kUnsigned4, 1, scale, arithmetic), {1, 1});
    put_codes(tensor, {13});
    tensor.scales.data<std::uint16_t>()[0] = bits;
    return decoded_floats(tensor)[0];
  };
  CHECK(element(DType::F32, DType::F16, 0x3C01) == 13 + 13 * 0x1p-10f);
  CHECK(element(DType::F16, DType::F16, 0x3C01) == 13 + 2 * 0x1p-7f);
  CHECK(element(DType::BF16, DType::BF16, 0x3F81) == 13 + 2 * 0x1p-4f);
  CHECK(std::isinf(element(DType::F16, DType::F16, 0x7BFF)));  // 13 x 65504
  CHECK(element(DType::F16, DType::F16, 0x0001) == 13 * 0x1p-24f);
}

TEST_CASE("FP4's code 8 is a positive zero, and subnormal products are zeros") {
  StorageFormat format;
  format.code = ElementCode::kFp4;
  QuantizedTensor tensor(format, {1, 2});
  put_codes(tensor, {8, 9});
  tensor.scales = f32({1}, {1e-37f});
  CHECK(bits(decoded(tensor, DType::F32)) == std::vector<std::uint32_t>{0, 0x80000000});
}

TEST_CASE("Any range of elements is decoded as the whole is") {
  std::mt19937_64 random(3);
  const Tensor weight = normal(random, DType::F32, {7, 37});
  for (const Quantizer quantizer : {Quantizer::kNf4Dq, Quantizer::kInt8, Quantizer::kInt4Group32}) {
    const QuantizedTensor tensor = quantize(weight, quantizer);
    const std::vector<float> whole = decoded_floats(tensor);
    for (std::int64_t first = 0; first < 259; first += 13) {
      for (const std::int64_t count : {1, 5, 40}) {
        if (first + count > 259) continue;
        std::vector<float> part(static_cast<std::size_t>(count));
        decode(tensor, first, count, part.data());
        CHECK(std::equal(part.begin(), part.end(), whole.begin() + first));
      }
    }
  }
}

TEST_CASE("What a format takes is known from its parts") {
  StorageFormat nf4;
  nf4.scale = DType::U8;
  nf4.nested_block = 256;
  // 4096 x 4096 by 4 bits, 8 bits for 64, 32 bits for 64 x 256, 32 once: 4.12695 bits each.
  CHECK(stored_bytes(nf4, {4096, 4096}) == 8388608 + 262144 + 4 * 1024 + 4);
  CHECK(8.0 * static_cast<double>(stored_bytes(nf4, {4096, 4096})) / (4096.0 * 4096.0) ==
        Approx(4.12695).epsilon(1e-5));
  StorageFormat q41 = integers(ElementCode::kUnsigned4, 32, DType::F16, DType::F32);
  q41.minimums = true;
  CHECK(stored_bytes(q41, {2, 64}) == 64 + 4 * 4);
  StorageFormat groups = integers(ElementCode::kUnsigned4, 16, DType::F16, DType::F16);
  groups.zeros = true;
  CHECK(stored_bytes(groups, {3, 20}) == 30 + 6 * 2 + 3);
}

TEST_CASE("Parts of another length or dtype than the format asks for are refused") {
  const auto refusal = [](const auto& change) {
    StorageFormat format;
    format.scale = DType::U8;
    format.nested_block = 256;
    QuantizedTensor tensor(format, {3, 50});
    change(tensor);
    try {
      check(tensor, "w");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal([](QuantizedTensor&) {}) == "");
  CHECK(refusal([](QuantizedTensor& t) { t.codes.pop_back(); }) ==
        "w: bytes of codes: expected 75, found 74");
  CHECK(refusal([](QuantizedTensor& t) {
          t.scales = f32({3}, {1, 1, 1});
        }) == "w: scales: expected U8 of 3, found F32 of 3");
  CHECK(refusal([](QuantizedTensor& t) { t.nested_scales.clear(); }) ==
        "w: nested scales: expected 1, found 0");
  CHECK(refusal([](QuantizedTensor& t) { t.nested_map.clear(); }) ==
        "w: map of scales: expected 256, found 0");
  CHECK(refusal([](QuantizedTensor& t) { t.zeros.push_back(0); }) ==
        "w: bytes of zeros: expected 0, found 1");
}

TEST_CASE("A product with a packed weight is that with its decoded elements") {
  std::mt19937_64 random(5);
  const QuantizedMap packed = {
      {"w", quantize(normal(random, DType::F32, {6, 20}), Quantizer::kNf4)}};
  Graph graph;
  const ValueId x = add_value(graph, {"x", {4, 20}, DType::BF16, Role::kInput});
  Value weight{"w", {6, 20}, DType::BF16, Role::kFrozen};
  weight.storage = packed.at("w").format;
  const ValueId w = add_value(graph, weight);
  add_contraction(graph, "y", {{x, false, w, true, {Part::kFrozen, Pass::kForward}}}, 1.0f,
                  std::nullopt, DType::BF16, Role::kResult);
  const Tensor input = normal(random, DType::BF16, {4, 20});
  Graph plain = graph;
  plain.value(w).storage.reset();
  for (const auto& [numerics, dtype] : {std::pair{Numerics::kBf16, DType::BF16},
                                        {Numerics::kFp32, DType::F32},
                                        {Numerics::kFp64, DType::F32}}) {
    TensorMap values = {{"x", input}}, expected = {{"x", input}};
    expected["w"] = decoded(packed.at("w"), dtype);
    ExecuteOptions options;
    options.packed = &packed;
    const ExecuteFigures figures = execute(graph, numerics, values, options);
    execute(plain, numerics, expected);
    CHECK(values.at("y").bytes == expected.at("y").bytes);
    CHECK(figures.given_bytes == 160 + stored_bytes(weight));
    CHECK_THROWS_WITH(execute(graph, numerics, values),
                      Contains("w: expected nf4, blocks of 64, scales F32 [6, 20], found no such "
                               "packed weight"));
  }
}
