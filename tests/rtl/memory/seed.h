// Seeds of random tests: a new one every time, or the one to replay.
#pragma once

#include <cstdlib>
#include <random>

namespace corank::test {

/// The value of the environment variable CORANK_SEED if it is set, so that a run that failed with
/// the seed it printed can be repeated; otherwise a random number.
inline unsigned new_seed() {
  const char* replay = std::getenv("CORANK_SEED");
  return replay != nullptr ? static_cast<unsigned>(std::strtoul(replay, nullptr, 10))
                           : std::random_device{}();
}

}  // namespace corank::test
