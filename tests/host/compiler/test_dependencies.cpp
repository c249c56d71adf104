#include <catch2/catch.hpp>
#include <random>

#include "host/compiler/dependencies.h"

using namespace corank;

namespace {

struct Tokens {
  std::uint32_t wait = 0, signal = 0;
};

// A program's commands with the tokens that their waits come to.
class Program {
 public:
  void add(Engine engine, const std::vector<Access>& accesses) {
    const Waits waits = dependencies_.add(engine, accesses);
    tokens_.emplace_back();
    for (std::size_t from = 0; from < kEngines; ++from) {
      if (waits[from] < 0) continue;
      const std::uint32_t bit = token(static_cast<Engine>(from), engine);
      tokens_.back().wait |= bit;
      std::uint32_t& signal = tokens_[static_cast<std::size_t>(waits[from])].signal;
      CHECK((signal & bit) == 0);  // once
      signal |= bit;
    }
  }
  const std::vector<Tokens>& tokens() const { return tokens_; }

 private:
  Dependencies dependencies_{64, 64};
  std::vector<Tokens> tokens_;
};

Access scratchpad(std::int64_t begin, std::int64_t end, bool write) {
  return {Space::kScratchpad, begin, end, write};
}

}  // namespace

TEST_CASE("tokens of stores that are read much later do not gather beyond the device's counters",
          "[compiler][dependencies]") {
  Program program;
  const auto block = [](int number, bool write) {
    return Access{Space::kMemory, 4096LL * number, 4096LL * (number + 1), write};
  };
  constexpr int kStores = 1000;
  for (int i = 0; i < kStores; ++i) program.add(Engine::kStore, {block(i, true)});
  for (int i = 0; i < kStores; ++i) program.add(Engine::kLoad, {block(i, false)});
  const auto& tokens = program.tokens();
  const std::uint32_t bit = token(Engine::kStore, Engine::kLoad);
  int gathered = 0, most = 0, complete = -1;
  for (int i = 0; i < 2 * kStores; ++i) {
    const auto command = static_cast<std::size_t>(i);
    if ((tokens[command].wait & bit) != 0) {
      // The next store that gives a token has to be complete.
      do {
        ++complete;
      } while ((tokens[static_cast<std::size_t>(complete)].signal & bit) == 0);
      --gathered;
    }
    if (i >= kStores) CHECK(complete >= i - kStores);
    if ((tokens[command].signal & bit) != 0) ++gathered;
    most = std::max(most, gathered);
  }
  CHECK(most == static_cast<int>(kWindow));
  CHECK(gathered == 0);
}

TEST_CASE("a reader waits for the writer, once", "[compiler][dependencies]") {
  Program program;
  program.add(Engine::kLoad, {scratchpad(0, 8, true)});
  program.add(Engine::kArray, {scratchpad(0, 8, false)});
  program.add(Engine::kArray,
              {scratchpad(0, 8, false)});  // starts after the first one, so needs no wait
  const auto& tokens = program.tokens();
  CHECK(tokens[0].signal == token(Engine::kLoad, Engine::kArray));
  CHECK(tokens[0].wait == 0);
  CHECK(tokens[1].wait == token(Engine::kLoad, Engine::kArray));
  CHECK(tokens[2].wait == 0);
}

TEST_CASE("a load into lines that are still read waits for the last reader",
          "[compiler][dependencies]") {
  Program program;
  program.add(Engine::kLoad, {scratchpad(0, 8, true)});
  program.add(Engine::kArray, {scratchpad(0, 8, false)});
  program.add(Engine::kArray, {scratchpad(0, 8, false)});
  program.add(Engine::kLoad, {scratchpad(0, 8, true)});
  const auto& tokens = program.tokens();
  CHECK(tokens[1].signal == 0);
  CHECK(tokens[2].signal == token(Engine::kArray, Engine::kLoad));
  CHECK(tokens[3].wait == token(Engine::kArray, Engine::kLoad));
}

TEST_CASE("two readers of one bank take turns, two banks do not", "[compiler][dependencies]") {
  Program program;
  program.add(Engine::kArray, {scratchpad(0, 8, false)});
  program.add(Engine::kStore, {scratchpad(32, 40, false)});   // the same bank, other lines
  program.add(Engine::kVector, {scratchpad(64, 72, false)});  // the next bank
  program.add(Engine::kLoad, {scratchpad(16, 24, true)});  // the write port of the first bank: free
  const auto& tokens = program.tokens();
  CHECK(tokens[1].wait == token(Engine::kArray, Engine::kStore));
  CHECK(tokens[2].wait == 0);
  CHECK(tokens[3].wait == 0);
}

TEST_CASE("memory written by a store is loaded only afterwards", "[compiler][dependencies]") {
  Program program;
  program.add(Engine::kStore, {{Space::kMemory, 8192, 8320, true}});
  program.add(Engine::kLoad, {{Space::kMemory, 8192, 8320, false}});
  CHECK(program.tokens()[1].wait == token(Engine::kStore, Engine::kLoad));
}

TEST_CASE("tokens always match and never pile up: any random program runs to its end",
          "[compiler][dependencies]") {
  const std::uint64_t seed = 7;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    Program program;
    std::vector<Engine> engines;
    std::vector<std::vector<Access>> accesses;
    for (int i = 0; i < 200; ++i) {
      const auto begin = static_cast<std::int64_t>(random() % 250);
      engines.push_back(static_cast<Engine>(random() % 4));
      accesses.push_back({scratchpad(begin, begin + 1 + static_cast<std::int64_t>(random() % 60),
                                     random() % 2 == 0)});
      program.add(engines.back(), accesses.back());
    }
    // Executes the programs of the four engines in a random order that the tokens allow.
    std::array<std::size_t, 4> next{};
    std::array<int, 16> counts{};
    std::vector<int> position(engines.size(), -1);
    int done = 0;
    for (int stuck = 0; done < 200 && stuck < 1000; ++stuck) {
      const std::size_t engine = random() % 4;
      std::size_t i = next[engine];
      while (i < engines.size() && static_cast<std::size_t>(engines[i]) != engine) ++i;
      if (i == engines.size()) continue;
      const Tokens tokens = program.tokens()[i];
      bool ready = true;
      for (unsigned t = 0; t < 16; ++t)
        ready = ready && ((tokens.wait >> t & 1) == 0 || counts[t] > 0);
      if (!ready) continue;
      for (unsigned t = 0; t < 16; ++t) {
        counts[t] +=
            static_cast<int>(tokens.signal >> t & 1) - static_cast<int>(tokens.wait >> t & 1);
        REQUIRE(counts[t] <= 255);
      }
      position[i] = done++;
      next[engine] = i + 1;
      stuck = 0;
    }
    REQUIRE(done == 200);
    for (const int count : counts) CHECK(count == 0);
    // Whatever conflicts ran in the order of the ring.
    for (std::size_t a = 0; a < engines.size(); ++a) {
      for (std::size_t b = a + 1; b < engines.size(); ++b) {
        const Access& x = accesses[a][0];
        const Access& y = accesses[b][0];
        const bool overlap = x.begin < y.end && y.begin < x.end && (x.write || y.write);
        if (engines[a] != engines[b] && overlap) CHECK(position[a] < position[b]);
      }
    }
  }
}
