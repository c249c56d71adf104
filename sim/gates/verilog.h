// Structural Verilog of scalars, vectors and instances, as Yosys writes it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace corank::gates {

/// Names of nets within a module are numbers, from 2 on; 0 and 1 are the constants (an undefined
/// bit is 0).
struct Instance {
  std::string kind, name;
  std::vector<std::pair<std::string, std::vector<std::uint32_t>>> ports;  // lowest bit first
};

struct Module {
  std::string name;
  std::uint32_t nets = 2;
  std::map<std::string, std::vector<std::uint32_t>> ports;    // lowest bit first
  std::vector<std::pair<std::uint32_t, std::uint32_t>> same;  // nets that are one
  std::vector<Instance> instances;
};

/// In the order of the text. Throws std::runtime_error with the line of what it does not know.
std::vector<Module> parse_verilog(const std::string& text);

}  // namespace corank::gates
