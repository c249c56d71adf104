// `corank run` on the machines of these tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/host/temporary_folder.h"

namespace corank::test {

inline const std::string kQuickstart = std::string(CORANK_SOURCE) + "/configs/quickstart.yaml";

inline std::string fixture(const std::string& name) {
  return std::string(CORANK_SOURCE) + "/tests/fixtures/" + name + ".safetensors";
}

/// The smallest machine that the tests share: 4 x 4, 4 lanes, a bus of 8 bytes.
inline std::vector<std::string> small_machine() {
  return {"--set", "accelerator.array.rows=4",   "--set", "accelerator.array.columns=4",
          "--set", "accelerator.vector.lanes=4", "--set", "accelerator.axi.data_bits=64"};
}

inline ProgramResult run_corank(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment = {}) {
  return run_program(CORANK_PROGRAM, arguments, environment);
}

/// `corank run quickstart.yaml`, on the small machine, with more arguments.
inline ProgramResult run_small(std::vector<std::string> arguments,
                               const std::map<std::string, std::string>& environment = {}) {
  const auto machine = small_machine();
  arguments.insert(arguments.begin(), machine.begin(), machine.end());
  arguments.insert(arguments.begin(), {"run", kQuickstart});
  return run_corank(arguments, environment);
}

inline nlohmann::json report_in(const std::string& directory) {
  return nlohmann::json::parse(content_of(directory + "/report.json"));
}

}  // namespace corank::test
