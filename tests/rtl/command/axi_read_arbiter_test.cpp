#include <Vaxi_read_arbiter.h>

#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "clocked.h"

namespace corank::test {

namespace {

constexpr std::uint32_t kFetchId = 0, kLoadId = 1;

struct Arbiter : Clocked<Vaxi_read_arbiter> {
  Arbiter() {
    module->ar_valid_i = 0;
    module->ar_ready_i = 0;
    module->r_valid_i = 0;
    module->r_id_i = 0;
    module->r_ready_i = 3;
    reset();
  }

  void ask(std::uint32_t valid, std::uint64_t fetch, std::uint64_t load) {
    module->ar_valid_i = static_cast<std::uint8_t>(valid);
    set_bits(module->ar_i, 0, 58, fetch);
    set_bits(module->ar_i, 58, 58, load);
    settle();
  }
};

const std::uint64_t kFetch = pack_axi_address(kFetchId, 0x1234'5678'9a40, 3);
const std::uint64_t kLoad = pack_axi_address(kLoadId, 0xfedc'ba98'7680, 255);

}  // namespace

TEST_CASE("The fetch goes before the load") {
  Arbiter arbiter;
  arbiter->ar_ready_i = 1;
  arbiter.ask(3, kFetch, kLoad);
  CHECK(arbiter->ar_valid_o);
  CHECK(arbiter->ar_o == kFetch);
  CHECK(arbiter->ar_ready_o == 1);
  arbiter.tick();
  arbiter.ask(2, kFetch, kLoad);
  CHECK(arbiter->ar_o == kLoad);
  CHECK(arbiter->ar_ready_o == 2);
}

TEST_CASE("An address that the memory did not take stays when the fetch asks too") {
  Arbiter arbiter;
  arbiter.ask(2, kFetch, kLoad);
  CHECK(arbiter->ar_o == kLoad);
  arbiter.tick();
  arbiter.ask(3, kFetch, kLoad);
  CHECK(arbiter->ar_o == kLoad);
  CHECK(arbiter->ar_ready_o == 0);
  arbiter.tick();
  arbiter->ar_ready_i = 1;
  arbiter.settle();
  CHECK(arbiter->ar_o == kLoad);
  CHECK(arbiter->ar_ready_o == 2);
  arbiter.tick();
  arbiter.settle();
  CHECK(arbiter->ar_o == kFetch);
}

TEST_CASE("Read data goes to the requester that its id names") {
  Arbiter arbiter;
  arbiter->r_valid_i = 1;
  arbiter->r_id_i = kFetchId;
  arbiter->r_ready_i = 2;
  arbiter.settle();
  CHECK(arbiter->r_valid_o == 1);
  CHECK_FALSE(arbiter->r_ready_o);
  arbiter->r_id_i = kLoadId;
  arbiter.settle();
  CHECK(arbiter->r_valid_o == 2);
  CHECK(arbiter->r_ready_o);
  arbiter->r_valid_i = 0;
  arbiter.settle();
  CHECK(arbiter->r_valid_o == 0);
}

TEST_CASE("Read data that names nobody is taken and told of") {
  Arbiter arbiter;
  arbiter->r_ready_i = 3;
  for (std::uint8_t id = 0; id < 4; ++id) {
    arbiter->r_id_i = id;
    arbiter->r_valid_i = 1;
    arbiter.settle();
    CHECK(arbiter->r_ready_o);
    CHECK(arbiter->r_stray_o == (id > kLoadId));
    if (id > kLoadId) CHECK(arbiter->r_valid_o == 0);
    arbiter->r_valid_i = 0;
    arbiter.settle();
    CHECK_FALSE(arbiter->r_stray_o);
  }
}

TEST_CASE(
    "Every address passes once, in the order of its requester, and never changes while it waits") {
  const unsigned seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Arbiter arbiter;
  std::array<std::uint64_t, 2> next{}, passed{};
  std::array<bool, 2> asks{};
  bool waited = false;
  std::uint64_t waiting = 0;
  for (int cycle = 0; cycle < 5000; ++cycle) {
    for (unsigned i = 0; i < 2; ++i) asks[i] = asks[i] || random() % 3 == 0;
    arbiter->ar_ready_i = random() % 2;
    arbiter.ask((asks[0] ? 1u : 0u) | (asks[1] ? 2u : 0u),
                pack_axi_address(kFetchId, next[0] * 64, 3),
                pack_axi_address(kLoadId, next[1] * 64, 7));
    REQUIRE(arbiter->ar_valid_o == (asks[0] || asks[1]));
    if (waited) REQUIRE(arbiter->ar_o == waiting);
    if (!waited && asks[0]) REQUIRE(axi_id(arbiter->ar_o) == kFetchId);
    waited = arbiter->ar_valid_o && !arbiter->ar_ready_i;
    waiting = arbiter->ar_o;
    if (arbiter->ar_valid_o && arbiter->ar_ready_i) {
      const unsigned who = axi_id(arbiter->ar_o);
      REQUIRE(arbiter->ar_ready_o == 1u << who);
      REQUIRE(axi_address(arbiter->ar_o) == passed[who] * 64);
      ++passed[who];
      ++next[who];
      asks[who] = false;
    }
    arbiter.tick();
  }
  CHECK(passed[0] > 500);
  CHECK(passed[1] > 500);
}

}  // namespace corank::test
