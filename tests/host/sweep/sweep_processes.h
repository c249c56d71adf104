// Processes of `corank sweep`, started, killed and waited for.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/host/temporary_folder.h"

namespace corank::test {

/// A program that runs beside the test; killed with this object.
class Background {
 public:
  Background(const std::vector<std::string>& command,
             const std::map<std::string, std::string>& environment = {});
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  pid_t process() const { return process_; }
  bool ended();
  /// Its exit code; -1: a signal ended it.
  int wait();
  void kill_with(int signal) const;

 private:
  pid_t process_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

std::vector<pid_t> children_of(pid_t process);
/// Processes whose command line has these words one after another.
std::vector<pid_t> processes_with(const std::vector<std::string>& words);

/// Of a test that kills: CORANK_KILLS, or 3.
int kills_asked_for();

/// A sweep of 36 designs for a small layer, 4 of which break its constraint (more where many kills
/// are asked for); returns the path of its file.
std::string write_small_sweep(const TemporaryFolder& folder, const std::string& more = "");

ProgramResult corank(const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& environment = {});

/// Lines in all segments of a sweep's folder.
std::size_t stored_lines(const std::string& sweep_folder);

/// What `corank sweep export --csv` writes of a sweep.
std::string csv_of(const TemporaryFolder& folder, const std::string& sweep_folder);

/// Waits until `holds` or so many seconds have passed; returns whether it holds.
template <class Condition>
bool wait_until(const Condition& holds, double seconds = 300);

}  // namespace corank::test

// ---- templates ----

#include <chrono>
#include <thread>

namespace corank::test {

template <class Condition>
bool wait_until(const Condition& holds, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace corank::test
