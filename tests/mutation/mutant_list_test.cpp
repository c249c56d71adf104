// The list of mutants fits the RTL as it is.
#include "tests/mutation/mutant_list.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"
#include "tests/mutation/random_mutants.h"

using namespace corank;
using namespace corank::mutation;

namespace {

const std::string kTree = CORANK_SOURCE;

std::string refusal(const std::string& yaml) {
  const TemporaryFolder folder;
  const std::string path = folder.file("mutants.yaml");
  std::ofstream(path) << yaml;
  try {
    read_mutants(path, kTree);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string with_mutant(const std::string& text) {
  return "benches: {}\nmodules:\n  fifo:\n    file: rtl/common/fifo.sv\n    benches: []\n"
         "    mutants:\n      - " +
         text + "\n";
}

}  // namespace

TEST_CASE("every RTL file has at least two mutants, and there are at least 60") {
  const MutantList list = read_mutants(kTree + "/tests/mutation/mutants.yaml", kTree);
  std::map<std::string, int> count;
  for (const Mutant& mutant : list.mutants) ++count[list.module(mutant.module).file];
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kTree + "/rtl")) {
    if (entry.path().extension() != ".sv") continue;
    const std::string file = std::filesystem::relative(entry.path(), kTree).string();
    INFO(file);
    CHECK(count[file] >= 2);
  }
  CHECK(list.mutants.size() >= 60);
}

TEST_CASE("a mutant whose text is not there exactly once is refused, with its place in the list") {
  CHECK(refusal(with_mutant("{name: a, operation: b, from: no such text, to: c}"))
            .find(":7:9: a: expected the text once in rtl/common/fifo.sv, found it 0 times") !=
        std::string::npos);
  CHECK(refusal(with_mutant("{name: a, operation: b, from: count_q, to: c}")).find("found it ") !=
        std::string::npos);
  CHECK(refusal(with_mutant("{name: a, operation: b, from: x, to: x}")).find("changes nothing") !=
        std::string::npos);
  CHECK(refusal(with_mutant("{nmae: a}")).find("unknown key 'nmae'") != std::string::npos);
}

TEST_CASE("drawn mutants depend on the seed alone and change code, not comments") {
  const MutantList list = read_mutants(kTree + "/tests/mutation/mutants.yaml", kTree);
  const Module& module = list.module("fifo");
  const std::string text = read_text(kTree + "/" + module.file);
  const auto drawn = draw_mutants(module, text, 7, 5), again = draw_mutants(module, text, 7, 5);
  REQUIRE(drawn.size() == 5);
  std::set<std::string> names;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    CHECK(drawn[i].name == again[i].name);
    CHECK(text.compare(drawn[i].offset, drawn[i].from.size(), drawn[i].from) == 0);
    const std::size_t line = text.rfind('\n', drawn[i].offset) + 1;
    CHECK(text.substr(line, drawn[i].offset - line).find("//") == std::string::npos);
    names.insert(drawn[i].name);
  }
  CHECK(names.size() == 5);
  CHECK(draw_mutants(module, text, 8, 5).front().name != drawn.front().name);
}
