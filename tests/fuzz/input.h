// What a fuzzer makes: one call of the program, and the files that it finds.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace corank::fuzz {

struct Input {
  std::vector<std::string> arguments;              // of corank; paths are relative to the folder
  std::map<std::string, std::string> files;        // content by path in the folder
  std::map<std::string, std::string> environment;  // besides what there is
};

}  // namespace corank::fuzz
