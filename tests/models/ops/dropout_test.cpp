// Dropout's mask and scale. That gradients are those of the same mask is shown by the fixture
// llama_dropout, in which PyTorch applies it.
#include "models/ops/dropout.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

#include "models/reference/execute.h"
#include "tests/models/numerics/counted.h"

using namespace corank;

namespace {

Dropout mask_of(double rate, std::uint64_t seed, std::uint64_t stream) {
  Dropout op;
  op.rate = rate;
  op.seed = seed;
  op.stream = stream;
  return op;
}

/// The share of n elements for which two masks say the same.
double agreement(const Dropout& a, std::int64_t step_a, const Dropout& b, std::int64_t step_b) {
  const std::uint64_t n = 40000;
  int equal = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    equal += dropout_keeps(a, step_a, i) == dropout_keeps(b, step_b, i) ? 1 : 0;
  }
  return static_cast<double>(equal) / static_cast<double>(n);
}

}  // namespace

TEST_CASE("a dropped share is the rate, for any seed, module and step") {
  const std::uint64_t n = 40000;
  for (const double rate : {0.1, 0.5, 0.9}) {
    for (const std::uint64_t seed : {0u, 7u}) {
      for (const std::uint64_t stream : {0u, 3u}) {
        int kept = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
          kept += dropout_keeps(mask_of(rate, seed, stream), 11, i) ? 1 : 0;
        }
        // Five standard deviations of a binomial distribution.
        const double count = static_cast<double>(n);
        CHECK(std::abs(kept - (1 - rate) * count) <= 5 * std::sqrt(rate * (1 - rate) * count));
      }
    }
  }
  for (std::uint64_t i = 0; i < 1000; ++i) CHECK(dropout_keeps(mask_of(0, 1, 2), 3, i));
}

TEST_CASE("masks of other seeds, modules and steps are independent, the same one returns") {
  const Dropout mask = mask_of(0.5, 7, 1);
  CHECK(agreement(mask, 4, mask, 4) == 1);
  // Of independent ones half agree; 0.0125 are five standard deviations.
  CHECK(agreement(mask, 4, mask, 5) == Approx(0.5).margin(0.0125));
  CHECK(agreement(mask, 4, mask_of(0.5, 8, 1), 4) == Approx(0.5).margin(0.0125));
  CHECK(agreement(mask, 4, mask_of(0.5, 7, 2), 4) == Approx(0.5).margin(0.0125));
}

TEST_CASE("Threefry gives the known answers of its authors") {
  // Random123 1.14, tests/kat_vectors, threefry2x32 with 20 rounds: key, counter, block.
  const auto block = [](ThreefryKey key, std::uint32_t first, std::uint32_t second) {
    const ThreefryBlock<std::int32_t> words =
        threefry(threefry_schedule(key, first), static_cast<std::int32_t>(second));
    return std::pair(static_cast<std::uint32_t>(words.first),
                     static_cast<std::uint32_t>(words.second));
  };
  CHECK(block({0, 0}, 0, 0) == std::pair(0x6B200159u, 0x99BA4EFEu));
  CHECK(block({~0u, ~0u}, ~0u, ~0u) == std::pair(0x1CB996FCu, 0xBB002BE7u));
  CHECK(block({0x13198A2E, 0x03707344}, 0x243F6A88, 0x85A308D3) ==
        std::pair(0xC4923A9Cu, 0x483DF7A0u));
}

TEST_CASE("an element is kept by its word of the stream of seed, module and step") {
  // Words of a Python program of its own, and of jax.random.bits where the numbers have 32 bits.
  const auto check = [](const Dropout& mask, std::int64_t step, std::uint64_t i,
                        std::uint32_t word) {
    INFO("element " << i);
    Dropout op = mask;
    op.rate = std::ldexp(word, -32);
    CHECK(dropout_keeps(op, step, i));
    op.rate = std::ldexp(word + 1.0, -32);
    CHECK_FALSE(dropout_keeps(op, step, i));
  };
  const Dropout mask = mask_of(0, 7, 3);
  check(mask, 11, 0, 0x443F6606);
  check(mask, 11, 1, 0x71AFF277);
  check(mask, 11, 2, 0x770331F9);
  check(mask, 11, 3, 0xD26FDFFE);
  check(mask, 11, 0xFFFFFFFFu, 0x0B38CA32);
  check(mask, 11, std::uint64_t{1} << 32, 0x911BDD75);
  // The words of numbers beyond 32 bits.
  const Dropout other = mask_of(0, (std::uint64_t{1} << 40) + 5, (std::uint64_t{1} << 33) + 1);
  check(other, 2, 0, 0xE6778CB3);
  check(other, 2, 1, 0x2C1BF92B);
}

TEST_CASE("a word of Threefry is 72 instructions of the vector unit, a mask 74") {
  test::Counts counts;
  const test::Counted number(counts);
  is_dropped(constants_of(mask_of(0.5, 7, 3), 11), number);
  CHECK(counts.instructions == 74);
  CHECK(counts.iterative == 0);
}

TEST_CASE("what is kept is scaled so that the expectation stays") {
  Graph graph;
  const std::int64_t n = 100000;
  const ValueId x = add_value(graph, {"x", {n}, DType::F32, Role::kInput});
  const ValueId step = add_value(graph, {"step", {1}, DType::I64, Role::kInput});
  const ValueId y = add_dropout(graph, "y", x, step, 0.25, 7, 1, DType::F32);
  graph.value(y).role = Role::kResult;
  TensorMap values;
  values["x"] = Tensor(DType::F32, {n});
  for (std::int64_t i = 0; i < n; ++i) values["x"].data<float>()[i] = 3;
  values["step"] = Tensor(DType::I64, {1});
  execute(graph, Numerics::kFp32, values);
  const auto* out = values.at("y").data<float>();
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (out[i] != 0 && out[i] != 4) FAIL("element " << i << " is " << out[i]);  // 3 / (1 - 1 / 4)
    sum += out[i];
  }
  // Each element has the mean 3 and the standard deviation 4 sqrt(0.25 * 0.75) = 1.73.
  CHECK(sum / static_cast<double>(n) == Approx(3).margin(5 * 1.7321 / std::sqrt(1e5)));
}
