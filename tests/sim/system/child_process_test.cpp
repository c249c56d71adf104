#include "sim/system/child_process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

ProgramOutput shell(const std::string& script) { return run_program({"sh", "-c", script}); }

bool is_alive(pid_t process) {
  // One that has ended and that nobody waits for yet is a zombie.
  const std::string state = content_of("/proc/" + std::to_string(process) + "/stat");
  return !state.empty() && state.find(") Z") == std::string::npos;
}

}  // namespace

TEST_CASE("A program's output and its errors are kept apart, of any length") {
  const ProgramOutput output = shell("echo out; echo err >&2; head -c 200000 /dev/zero");
  CHECK(output.out.substr(0, 4) == "out\n");
  CHECK(output.out.size() == 200004);
  CHECK(output.err == "err\n");
  CHECK(output.failure.empty());
}

TEST_CASE("How a program failed is said") {
  CHECK(shell("exit 7").failure == "exit code 7");
  CHECK(shell("kill -9 $$").failure == "signal 9 (Killed)");
  CHECK(run_program({"/nowhere/tool"}).failure == "cannot be started: No such file or directory");
}

TEST_CASE("A program does not see the user's locale, nor an outer make's options") {
  setenv("LC_MESSAGES", "xx_YY.UTF-8", 1);
  setenv("LANG", "xx_YY.UTF-8", 1);
  setenv("MAKEFLAGS", "n", 1);
  const ProgramOutput output = shell("env");
  CHECK_THAT("\n" + output.out, Contains("\nLC_ALL=C\n") && !Contains("xx_YY") &&
                                    !Contains("\nMAKEFLAGS=") && Contains("\nPATH="));
  for (const char* name : {"LC_MESSAGES", "LANG", "MAKEFLAGS"}) unsetenv(name);
}

TEST_CASE("Who waits can end a program and all that it started") {
  const TemporaryFolder folder;
  const std::string numbers = folder.file("numbers");
  struct GivenUp {};
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(run_program({"sh", "-c", "sleep 60 & echo $$ $! > " + numbers + "; wait"},
                              [&] {
                                if (!content_of(numbers).empty()) throw GivenUp();
                              }),
                  GivenUp);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  std::istringstream text(content_of(numbers));
  pid_t shell_number = 0, sleep_number = 0;
  text >> shell_number >> sleep_number;
  REQUIRE(sleep_number > 0);
  for (int i = 0; i < 500 && is_alive(sleep_number); ++i)  // killed, but by and by
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_FALSE(is_alive(shell_number));
  CHECK_FALSE(is_alive(sleep_number));
}
