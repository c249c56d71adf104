// How a verilated machine is made: from which texts, by which tools, with which options.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sim/machine/shape.h"

namespace corank {

// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). Each part is ended, so that moving text
// between parts counts.
class Hash {
 public:
  void add(const std::string& part) {
    for (const char c : part) add(c);
    add('\0');
  }
  std::string hex() const;

 private:
  void add(char c) { value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

struct SourceText {
  std::string name;  // a path below the folder of the machine's texts
  std::string text;
  std::string path;  // where it was read
};

struct Recipe {
  MachineShape shape;
  bool waves = false;
  std::vector<SourceText> rtl;    // packages first, in the order of files.f
  std::vector<SourceText> shell;  // the C++ around it; the first is compiled
  std::string rtl_folder;         // where the user finds them
};

/// Throws MachineError that names the variable of the environment if a text cannot be read.
Recipe read_recipe(const MachineShape& shape, bool waves);

/// Which machine it is: shape, texts, options and this computer's CPU, all but the tools' versions.
std::string key_of(const Recipe& recipe);

/// The RTL's files in the order in which a tool reads them, and a key of their texts alone.
std::vector<std::string> rtl_files(const Recipe& recipe);
std::string key_of_rtl(const Recipe& recipe);

/// Where the texts would be read, and what of the rest is known without them; "" if the environment
/// names another place than the one that this program was built with.
std::string key_without_texts(const MachineShape& shape, bool waves);

/// The tools, by what they say of their versions. Throws MachineError if one is not there.
std::string tool_versions();

/// Makes the library in `work`, a folder whose name has none of the characters that make or a
/// compiler take for something else. `stage` is told what is being done, some times a second; what
/// it throws ends the tools. Throws MachineError with the end of what a tool says, all of which
/// goes to the file `log`.
std::filesystem::path compile(const Recipe& recipe, const std::filesystem::path& work,
                              const std::string& log,
                              const std::function<void(const std::string&)>& stage);

}  // namespace corank
