// The search on the grid of proof.csv, of which every design was run.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/host/sweep/proof_table.h"

using namespace corank;

namespace {

const ProofTable& table() {
  static const ProofTable read(CORANK_PROOF_SWEEP, CORANK_PROOF);
  return read;
}

}  // namespace

TEST_CASE("no exact run of the grid is below one of its bounds") {
  REQUIRE(table().designs() > 10000);
  CHECK(violations_of(table()) == 0);
}

TEST_CASE("the pruned search finds the whole front of the grid with few runs") {
  const Replay replay = replay_bound(table());
  CHECK(replay.proved);
  CHECK(missing_of_front(table(), replay) == 0);
  CHECK(4 * replay.ran.size() <= table().designs());
  // Hardly more than no design of the front excludes by these bounds, which any proof must run: a
  // design may come before the one that excludes it.
  std::size_t needed = 0;
  const std::vector<std::size_t> front = front_of(table().exact());
  for (std::size_t i = 0; i < table().designs(); ++i)
    needed += std::none_of(front.begin(), front.end(), [&](std::size_t f) {
      return dominates(table().exact()[f], table().bounds()[i], 3);
    });
  CHECK(replay.ran.size() >= needed);
  CHECK(100 * replay.ran.size() <= 101 * needed);
}

TEST_CASE("after a hundred runs the search has most of the front, and more than what is drawn") {
  const double share = share_after(table(), replay_bound(table()), 100);
  CHECK(share >= 0.95);
  for (const SearchMethod method : {SearchMethod::kRandom, SearchMethod::kHalton})
    CHECK(share_after(table(), replay_sampler(table(), method, 1, 100), 100) < share);
}
