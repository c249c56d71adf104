// How fast searches come to the front of a grid of which everything is known (proof.csv): the share
// of the true front's hypervolume after so many exact runs, and what the proof takes.
//   search_bench [SWEEP.yaml PROOF.csv]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <vector>

#include "models/base/error.h"
#include "tests/host/sweep/proof_table.h"

namespace corank {
namespace {

constexpr std::array<std::size_t, 5> kRuns = {50, 100, 200, 500, 1000};
constexpr std::uint64_t kSeeds = 11;

std::string shares_of(const ProofTable& table, const std::vector<Replay>& replays) {
  std::string line;
  for (const std::size_t runs : kRuns) {
    std::vector<double> shares;
    for (const Replay& replay : replays) shares.push_back(share_after(table, replay, runs));
    std::sort(shares.begin(), shares.end());
    const std::string range =
        shares.size() > 1 ? fmt::format("{:.3f}-{:.3f}", shares.front(), shares.back()) : "";
    line += fmt::format("  {:.3f} {:11}", shares[shares.size() / 2], range);
  }
  return line;
}

std::string sampled(const ProofTable& table, SearchMethod method) {
  std::vector<Replay> replays;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed)
    replays.push_back(replay_sampler(table, method, seed, kRuns.back()));
  return shares_of(table, replays);
}

std::string proof_of(const ProofTable& table, double tolerance) {
  const Replay replay = replay_bound(table, tolerance);
  const std::size_t front = front_size(table), runs = replay.ran.size();
  return fmt::format(
      "  tolerance {:4}: {} runs, {:.1f} % of the legal designs, {:.2f} x the front; {} designs "
      "compiled; {} of the {} of the front are missing, {:.4f} of its hypervolume is there\n",
      tolerance, runs, 100.0 * static_cast<double>(runs) / static_cast<double>(table.designs()),
      static_cast<double>(runs) / static_cast<double>(front), replay.compiled,
      missing_of_front(table, replay), front, share_after(table, replay, runs));
}

void bench(const std::string& sweep, const std::string& csv) {
  const ProofTable table(sweep, csv);
  fmt::print("{} designs, {} on the front of time, energy and area; {} bounds violated\n",
             table.designs(), front_size(table), violations_of(table));
  fmt::print("share of the front's hypervolume after exact runs, median and range of {} seeds\n",
             kSeeds);
  fmt::print("{:8}", "");
  for (const std::size_t runs : kRuns) fmt::print("  {:<17}", runs);
  fmt::print("\nbound   {}\n", shares_of(table, {replay_bound(table)}));
  fmt::print("random  {}\n", sampled(table, SearchMethod::kRandom));
  fmt::print("halton  {}\n", sampled(table, SearchMethod::kHalton));
  try {
    fmt::print("nsga2   {}\n", sampled(table, SearchMethod::kNsga2));
  } catch (const InputError& error) {
    fmt::print("nsga2     {}\n", error.what());
  }
  fmt::print("the proof\n{}{}{}", proof_of(table, 0), proof_of(table, 0.01), proof_of(table, 0.05));
}

}  // namespace
}  // namespace corank

int main(int count, char** arguments) {
  try {
    const bool given = count == 3;
    corank::bench(given ? arguments[1] : CORANK_PROOF_SWEEP, given ? arguments[2] : CORANK_PROOF);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
