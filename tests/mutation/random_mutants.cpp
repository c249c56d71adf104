#include "tests/mutation/random_mutants.h"

#include <algorithm>
#include <random>
#include <regex>
#include <sstream>

namespace corank::mutation {
namespace {

struct Operator {
  const char* operation;
  const char* pattern;  // ECMAScript regular expression, within a line
  const char* replacement;
};

const Operator kOperators[] = {
    {"inverted condition", R"( == )", " != "},
    {"inverted condition", R"( != )", " == "},
    {"and for or", R"( && )", " || "},
    {"or for and", R"( \|\| )", " && "},
    {"bound off by one", R"( < )", " <= "},
    {"bound off by one", R"( >= )", " > "},
    {"bound off by one", R"( > )", " >= "},
    {"lost negation", R"(!(?=[a-z]))", ""},
    {"subtraction for addition", R"( \+ )", " - "},
    {"addition for subtraction", R"( - )", " + "},
    {"or for exclusive or", R"( \^ )", " | "},
    {"one bit too many", R"( << )", " << 1 << "},
    {"one bit too few", R"( >> )", " << 1 >> "},
    {"constant off by one", R"('d0\b)", "'d1"},
    {"constant off by one", R"('d1\b)", "'d2"},
    {"swapped operands", R"((\w+) \? (\w+) : (\w+))", "$1 ? $3 : $2"},
    {"dropped register update", R"(\b\w+_q(?:\[[^\]]*\])?\s*<= [^;]*;)", ";"},
};

// Lines that state types, sizes and checks, not what the hardware does.
bool is_code(const std::string& line) {
  static const std::regex other(
      R"(^\s*//|^\s*`|\b(parameter|localparam|typedef|import|input|output|module|package|assert|function)\b|\$error|\bfor \(|^\s*(wire |logic |int ))");
  return !std::regex_search(line, other);
}

}  // namespace

std::vector<Mutant> draw_mutants(const Module& module, const std::string& text, std::uint64_t seed,
                                 int count) {
  std::vector<Mutant> all;
  bool synthesized = true, in_reset = false;
  std::istringstream lines(text);
  std::size_t offset = 0;
  int number = 0;
  for (std::string line; std::getline(lines, line); offset += line.size() + 1) {
    ++number;
    if (line.rfind("`ifndef SYNTHESIS", 0) == 0 || line.rfind("`ifdef CORANK", 0) == 0) {
      synthesized = false;
    }
    if (line.rfind("`endif", 0) == 0 || line.rfind("`else", 0) == 0) synthesized = true;
    if (line.find("if (!rst_ni)") != std::string::npos) in_reset = true;
    if (in_reset && line.find("else") != std::string::npos) in_reset = false;
    if (!synthesized || in_reset || !is_code(line)) continue;
    const std::string code = line.substr(0, line.find("//"));
    for (const Operator& change : kOperators) {
      const std::regex pattern(change.pattern);
      for (auto match = std::sregex_iterator(code.begin(), code.end(), pattern);
           match != std::sregex_iterator(); ++match) {
        Mutant mutant;
        mutant.module = module.name;
        mutant.operation = change.operation;
        mutant.from = match->str();
        mutant.to = match->format(change.replacement);
        mutant.offset = offset + static_cast<std::size_t>(match->position());
        mutant.name = module.file + ":" + std::to_string(number) + ":" +
                      std::to_string(match->position() + 1) + ": '" + mutant.from + "' -> '" +
                      mutant.to + "'";
        if (mutant.from != mutant.to) all.push_back(mutant);
      }
    }
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random() % i]);
  all.resize(std::min(all.size(), static_cast<std::size_t>(count)));
  return all;
}

}  // namespace corank::mutation
