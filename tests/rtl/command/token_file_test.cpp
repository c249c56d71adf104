#include <Vtoken_file.h>

#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "clocked.h"
#include "random_commands.h"

namespace corank::test {

namespace {

struct TokenFile : Clocked<Vtoken_file> {
  TokenFile() {
    module->take_i = 0;
    module->give_i = 0;
    reset();
  }

  void drive(const std::array<std::uint32_t, 4>& take, const std::array<std::uint32_t, 4>& give) {
    module->take_i = 0;
    module->give_i = 0;
    for (unsigned unit = 0; unit < 4; ++unit) {
      module->take_i |= static_cast<std::uint64_t>(take[unit]) << (16 * unit);
      module->give_i |= static_cast<std::uint64_t>(give[unit]) << (16 * unit);
    }
    settle();
  }
};

}  // namespace

TEST_CASE("A token given in one cycle is available in the next, and gone after it was taken") {
  TokenFile tokens;
  const std::uint32_t array_to_store = 1u << (4 * kArrayQueue + kStoreQueue);
  tokens.settle();
  CHECK(tokens->available_o == 0);

  tokens.drive({}, {0, array_to_store, 0, 0});
  CHECK(tokens->available_o == 0);
  tokens.tick();
  CHECK(tokens->available_o == array_to_store);

  tokens.drive({0, 0, 0, array_to_store}, {});
  CHECK(tokens->available_o == array_to_store);
  tokens.tick();
  CHECK(tokens->available_o == 0);
}

TEST_CASE("A counter holds 255 tokens; one more is lost and reported for its giver") {
  TokenFile tokens;
  const std::uint32_t token = 1u << (4 * kVectorQueue + kLoadQueue);
  for (int i = 0; i < 255; ++i) {
    tokens.drive({}, {0, 0, token, 0});
    CHECK(tokens->overflow_o == 0);
    tokens.tick();
  }
  tokens.drive({token, 0, 0, 0}, {0, 0, token, 0});  // one goes, one comes: 255 again
  CHECK(tokens->overflow_o == 0);
  tokens.tick();
  tokens.drive({}, {0, 0, token, 0});
  CHECK(tokens->overflow_o == 1u << kVectorQueue);
  tokens.tick();
  for (int i = 0; i < 255; ++i) {
    tokens.drive({token, 0, 0, 0}, {});
    CHECK(tokens->available_o == token);
    tokens.tick();
  }
  tokens.drive({}, {});
  CHECK(tokens->available_o == 0);
}

TEST_CASE("Tokens are cleared by reset") {
  TokenFile tokens;
  tokens.drive({}, {0x000f, 0x00f0, 0x0f00, 0xf000});
  tokens.tick();
  CHECK(tokens->available_o == 0xffff);
  tokens.drive({}, {});
  tokens.reset();
  CHECK(tokens->available_o == 0);
}

TEST_CASE("Random takes and gives match sixteen plain counters") {
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  TokenFile tokens;
  std::array<int, 16> count{};
  int overflows = 0;
  for (int cycle = 0; cycle < 30000; ++cycle) {
    const int takes = cycle / 5000 % 2 == 0 ? 1 : 4;  // phases that fill and phases that empty
    std::array<std::uint32_t, 4> take{}, give{};
    for (unsigned token = 0; token < 16; ++token) {
      if (random() % 3 == 0) give[token / 4] |= 1u << token;
      if (count[token] > 0 && static_cast<int>(random() % 6) < takes)
        take[token % 4] |= 1u << token;
    }
    tokens.drive(take, give);
    std::uint32_t available = 0, overflow = 0;
    for (unsigned token = 0; token < 16; ++token) {
      if (count[token] > 0) available |= 1u << token;
      count[token] += static_cast<int>(give[token / 4] >> token & 1u) -
                      static_cast<int>(take[token % 4] >> token & 1u);
      if (count[token] > 255) {
        count[token] = 255;
        overflow |= 1u << token / 4;
        ++overflows;
      }
    }
    REQUIRE(tokens->available_o == available);
    REQUIRE(tokens->overflow_o == overflow);
    tokens.tick();
  }
  CHECK(overflows > 0);
}

}  // namespace corank::test
