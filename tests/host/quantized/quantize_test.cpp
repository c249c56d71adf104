// The quantizers against the packages' own codes (tests/fixtures/quantized/quantizers).
#include "models/quantized/quantize.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/quantized/decode.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

const TensorMap& expected() {
  static const TensorMap tensors =
      read_safetensors(std::string(CORANK_QUANTIZED) + "/quantizers/expected.safetensors").tensors;
  return tensors;
}

const Tensor& weight() { return expected().at("weight"); }

/// bitsandbytes' bytes have the first code in the upper half.
std::vector<std::uint8_t> halves_swapped(const Tensor& tensor) {
  std::vector<std::uint8_t> bytes;
  for (const std::byte byte : tensor.bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    bytes.push_back(static_cast<std::uint8_t>(value << 4 | value >> 4));
  }
  return bytes;
}

/// The first `columns` of a matrix.
Tensor left_of(const Tensor& matrix, std::int64_t columns) {
  Tensor left(DType::F32, {matrix.shape[0], columns});
  for (std::int64_t n = 0; n < left.shape[0]; ++n)
    for (std::int64_t k = 0; k < columns; ++k)
      left.data<float>()[n * columns + k] = matrix.data<float>()[n * matrix.shape[1] + k];
  return left;
}

}  // namespace

TEST_CASE("The dynamic map is bitsandbytes' to the bit") {
  const std::vector<float> map = dynamic_map();
  const Tensor& right = expected().at("dynamic_map");
  REQUIRE(map.size() == 256);
  for (std::size_t i = 0; i < map.size(); ++i)
    CHECK(bits_of(map[i]) == bits_of(right.data<float>()[i]));
}

TEST_CASE("NF4 and FP4 have bitsandbytes' codes and scales") {
  for (const auto& [name, quantizer] :
       {std::pair<std::string, Quantizer>{"nf4", Quantizer::kNf4}, {"fp4", Quantizer::kFp4}}) {
    INFO(name);
    const QuantizedTensor packed = quantize(weight(), quantizer);
    CHECK_NOTHROW(check(packed, name));
    CHECK(packed.codes == halves_swapped(expected().at(name + ".codes")));
    CHECK(packed.scales.bytes == expected().at(name + ".absmax").bytes);
  }
}

TEST_CASE("Double quantization has bitsandbytes' codes, and its mean to an ulp") {
  const QuantizedTensor packed = quantize(weight(), Quantizer::kNf4Dq);
  CHECK_NOTHROW(check(packed, "nf4-dq"));
  CHECK(packed.codes == halves_swapped(expected().at("nf4.codes")));
  CHECK(packed.scales.bytes == expected().at("dq.codes").bytes);
  const auto within_an_ulp = [](float a, float b) {
    return a == b || a == std::nextafter(b, INFINITY) || a == std::nextafter(b, -INFINITY);
  };
  CHECK(within_an_ulp(packed.offset, *expected().at("dq.offset").data<float>()));
  REQUIRE(packed.nested_scales.size() == 1);
  CHECK(within_an_ulp(packed.nested_scales[0], *expected().at("dq.absmax").data<float>()));
}

TEST_CASE("LLM.int8 has bitsandbytes' codes, and scales as its training multiplies") {
  const QuantizedTensor packed = quantize(weight(), Quantizer::kInt8);
  const Tensor& codes = expected().at("int8.codes");
  REQUIRE(packed.codes.size() == codes.bytes.size());
  const std::int64_t columns = weight().shape[1];
  for (std::int64_t n = 0; n < weight().shape[0]; ++n) {
    const float largest = expected().at("int8.absmax").data<float>()[n];
    CHECK(packed.scales.data<float>()[n] == largest * (1.0f / 127.0f));
    if (largest == 0) continue;  // 0 x infinity there, whose code is anything; times a scale of 0
    for (std::int64_t k = 0; k < columns; ++k) {
      const auto i = static_cast<std::size_t>(n * columns + k);
      CHECK(packed.codes[i] == std::to_integer<std::uint8_t>(codes.bytes[i]));
    }
  }
}

TEST_CASE("Integers in groups have compressed-tensors' codes and scales") {
  const Tensor even = left_of(weight(), 64);
  const QuantizedTensor packed = quantize(even, Quantizer::kInt4Group32);
  CHECK(packed.scales.bytes == expected().at("int4.scale").bytes);
  // Its words hold the same fields, the first one lowest.
  const Tensor& words = expected().at("int4.packed");
  REQUIRE(packed.codes.size() == words.bytes.size());
  CHECK(std::equal(packed.codes.begin(), packed.codes.end(), words.data<std::uint8_t>()));
  // A group of zeros is one.
  CHECK(decoded(packed, DType::F32).data<float>()[3 * 64] == 0);
}

TEST_CASE("What is decoded of a quantized matrix is near to it") {
  for (const Quantizer quantizer : quantizers()) {
    if (quantizer == Quantizer::kNone) continue;
    INFO(name_of(quantizer));
    const QuantizedTensor packed = quantize(weight(), quantizer);
    CHECK_NOTHROW(check(packed, "w"));
    CHECK(packed.format == format_of(quantizer, weight().shape));
    const Tensor back = decoded(packed, DType::F32);
    double difference = 0, norm = 0;
    for (std::int64_t i = 0; i < element_count(back.shape); ++i) {
      const double x = weight().data<float>()[i], d = back.data<float>()[i] - x;
      difference += d * d;
      norm += x * x;
    }
    CHECK(std::sqrt(difference / norm) < (quantizer == Quantizer::kInt8 ? 0.01 : 0.2));
  }
}

TEST_CASE("A matrix with a number that is not finite is not quantized") {
  Tensor matrix(DType::F32, {2, 2});
  matrix.data<float>()[3] = INFINITY;
  CHECK_THAT(message_of<InputError>([&] { quantize(matrix, Quantizer::kNf4); }),
             Catch::Contains("quantize: nf4: expected finite numbers, found others"));
}
