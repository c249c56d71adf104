#include "models/program/optimizer.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/numerics.h"

using namespace corank;

namespace {

std::vector<std::uint32_t> bits_of_constants(const AdamWConstants& constants) {
  return {bits_of(constants.decay),
          bits_of(constants.one_minus_beta1),
          bits_of(constants.beta2),
          bits_of(constants.one_minus_beta2),
          bits_of(constants.root_bias_correction2),
          bits_of(constants.epsilon),
          bits_of(constants.negative_step_size)};
}

}  // namespace

TEST_CASE("AdamW's constants are computed in double and rounded once") {
  // Literals from double arithmetic and an exact rounding by rational numbers, outside this
  // program.
  CHECK(bits_of_constants(constants_of(AdamWOptions{}, 1)) ==
        std::vector<std::uint32_t>{0x3F7FFF58, 0x3DCCCCCD, 0x3F7FBE77, 0x3A83126F, 0x3D0186E2,
                                   0x322BCC77, 0xBC23D70A});
  CHECK(bits_of_constants(constants_of(AdamWOptions{}, 10)) ==
        std::vector<std::uint32_t>{0x3F7FFF58, 0x3DCCCCCD, 0x3F7FBE77, 0x3A83126F, 0x3DCC5704,
                                   0x322BCC77, 0xBAC93D76});
  CHECK(bits_of_constants(constants_of(AdamWOptions{2e-4, 0.9, 0.95, 1e-6, 0.0}, 3)) ==
        std::vector<std::uint32_t>{0x3F800000, 0x3DCCCCCD, 0x3F733333, 0x3D4CCCCD, 0x3EC15C4B,
                                   0x358637BD, 0xBA4176D6});
}

TEST_CASE("AdamW refuses what torch refuses") {
  CHECK_THROWS_WITH(constants_of(AdamWOptions{1e-3, 1.0, 0.999, 1e-8, 0.01}, 1),
                    "AdamW: expected beta1 from 0 to below 1, found 1");
  CHECK_THROWS_AS(constants_of(AdamWOptions{-1e-3, 0.9, 0.999, 1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, -0.1, 1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, 0.999, -1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, 0.999, 1e-8, -0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{}, 0), InputError);
}

TEST_CASE("What is fed follows the schedule and the number of the update") {
  OptimizerSettings settings;
  settings.adamw = {0.5, 0.5, 0.75, 0, 0.5};
  settings.schedule = {Schedule::Kind::kLinear, 0, 4};
  // Step 2 of 4: half the rate, 1/4; the third update: 1 - 0.5^3 = 7/8.
  const Tensor constants = optimizer_constants(settings, 2, 3);
  CHECK(constants.data<float>()[0] == 0.875f);  // 1 - 1/4 * 1/2
  CHECK(constants.data<float>()[6] == -static_cast<float>(0.25 / 0.875));

  settings.kind = OptimizerKind::kSgd;
  settings.sgd = {1, 0.5, 0.25, 0.125, false};
  const Tensor first = optimizer_constants(settings, 0, 1),
               third = optimizer_constants(settings, 2, 3);
  const std::vector<float> expected_first = {0.125f, 0.5f, 1, -1},
                           expected = {0.125f, 0.5f, 0.75f, -0.5f};
  CHECK(std::vector<float>(first.data<float>(), first.data<float>() + 4) == expected_first);
  CHECK(std::vector<float>(third.data<float>(), third.data<float>() + 4) == expected);
}
