#include "host/sweep/forked.h"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

std::map<std::size_t, TaskEnd> ends_of(std::size_t count, int workers,
                                       const std::function<std::string(std::size_t)>& task) {
  std::map<std::size_t, TaskEnd> ends;
  carry_out_forked(
      count, workers, task,
      [&](std::size_t i, TaskEnd end) {
        CHECK(ends.count(i) == 0);
        ends[i] = std::move(end);
      },
      nullptr);
  return ends;
}

/// Of a task: how often it was begun before.
std::size_t begun(const TemporaryFolder& folder) {
  const std::size_t before = folder.entries();
  folder.write(std::to_string(before), "");
  return before;
}

}  // namespace

TEST_CASE("every task ends once, with its own result") {
  const auto ends = ends_of(50, 3, [](std::size_t i) { return std::string(i * 1000, 'x'); });
  REQUIRE(ends.size() == 50);
  for (const auto& [i, end] : ends) {
    CHECK(end.failure.empty());
    CHECK(end.result.size() == i * 1000);
  }
  CHECK(ends_of(0, 3, nullptr).empty());
  CHECK(ends_of(2, 8, [](std::size_t) { return ""; }).size() == 2);
}

TEST_CASE("a task that crashes twice fails, and nothing else does") {
  const TemporaryFolder folder;
  const auto ends = ends_of(20, 2, [&](std::size_t i) -> std::string {
    if (i == 7) {
      begun(folder);
      ::signal(SIGSEGV, SIG_DFL);  // not for the test program to report
      raise(SIGSEGV);
    }
    return "right";
  });
  REQUIRE(ends.size() == 20);
  CHECK(folder.entries() == 2);
  for (const auto& [i, end] : ends) CHECK((end.result == "right") == (i != 7));
  CHECK_FALSE(ends.at(7).failure.empty());
}

TEST_CASE("a task whose process is killed is done again") {
  const TemporaryFolder folder;
  const auto ends = ends_of(5, 2, [&](std::size_t i) -> std::string {
    if (i == 2 && begun(folder) < 3) kill(getpid(), SIGKILL);
    return "right";
  });
  REQUIRE(ends.size() == 5);
  for (const auto& [i, end] : ends) CHECK(end.result == "right");
}

TEST_CASE("a task that is killed whenever it is tried fails with what killed it") {
  const auto ends = ends_of(3, 1, [&](std::size_t i) -> std::string {
    if (i == 1) kill(getpid(), SIGKILL);
    return "right";
  });
  REQUIRE(ends.size() == 3);
  CHECK(ends.at(1).failure == "signal 9 (Killed)");
}

TEST_CASE("an exception of a task comes out, and its process and the others end") {
  CHECK_THROWS_WITH(ends_of(100, 2,
                            [](std::size_t i) -> std::string {
                              if (i == 3) throw std::runtime_error("no disk");
                              return "";
                            }),
                    "no disk");
}

TEST_CASE("who is stopped returns at once, and leaves no process") {
  bool any = false;
  const auto began = std::chrono::steady_clock::now();
  carry_out_forked(
      4, 2,
      [](std::size_t i) -> std::string {
        if (i > 0) pause();
        return std::to_string(getpid());
      },
      [&](std::size_t, const TaskEnd&) { any = true; }, [&] { return any; });
  CHECK(any);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
}
