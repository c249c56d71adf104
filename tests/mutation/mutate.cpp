// corank_mutate: changes the RTL in many ways, one at a time, and counts what the tests notice.
// Exit status 1 if a mutant survives without an explanation, is invalid, or is killed although it
// is explained as one that no test can notice.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "tests/mutation/mutant_list.h"
#include "tests/mutation/random_mutants.h"
#include "tests/mutation/trial.h"

namespace corank::mutation {
namespace {

namespace fs = std::filesystem;

struct Tried {
  Mutant mutant;
  Outcome outcome;
};

const char* text_of(Fate fate) {
  switch (fate) {
    case Fate::kKilled:
      return "killed";
    case Fate::kSurvived:
      return "survived";
    case Fate::kInvalid:
      break;
  }
  return "invalid";
}

bool as_expected(const Tried& tried) {
  return tried.outcome.fate == (tried.mutant.survives.empty() ? Fate::kKilled : Fate::kSurvived);
}

// Readable in one line of a table.
std::string one_line(std::string text) {
  std::string line;
  for (const char c : text) {
    if (c == '|') line += '\\';
    if (c == '\n' || (c == ' ' && !line.empty() && line.back() == ' ')) continue;
    line += c;
  }
  return line;
}

std::string results(const std::vector<Tried>& all, const MutantList& list,
                    const std::string& command) {
  std::map<std::string, std::map<Fate, int>> by_module;
  std::map<Fate, int> sum;
  for (const Tried& tried : all) {
    ++by_module[tried.mutant.module][tried.outcome.fate];
    ++sum[tried.outcome.fate];
  }
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d", std::localtime(&now));
  const int valid = sum[Fate::kKilled] + sum[Fate::kSurvived];
  std::string text = fmt::format(
      "# Mutants of the RTL\n\nWritten by `{}` on {}. What the mutants are is in "
      "[mutants.yaml](mutants.yaml), what this is for in [README.md](README.md).\n\n{} of {} "
      "mutants "
      "are killed: {:.1f} %.\n\n| module | killed | survived |\n| --- | ---: | ---: |\n",
      command, date, sum[Fate::kKilled], valid, 100.0 * sum[Fate::kKilled] / std::max(valid, 1));
  for (const Module& module : list.modules) {
    text += fmt::format("| {} | {} | {} |\n", module.name, by_module[module.name][Fate::kKilled],
                        by_module[module.name][Fate::kSurvived]);
  }
  text += "\n## Survivors\n\n";
  for (const Tried& tried : all) {
    if (tried.outcome.fate != Fate::kSurvived) continue;
    text +=
        fmt::format("- `{}` ({}): `{}` becomes `{}`. {}\n", tried.mutant.name,
                    tried.mutant.operation, one_line(tried.mutant.from), one_line(tried.mutant.to),
                    tried.mutant.survives.empty() ? "**Not explained.**" : tried.mutant.survives);
  }
  text += "\n## All\n\n| mutant | module | change | end | by |\n| --- | --- | --- | --- | --- |\n";
  for (const Tried& tried : all) {
    text += fmt::format(
        "| {} | {} | {} | {} | {} |\n", tried.mutant.name, tried.mutant.module,
        tried.mutant.operation, text_of(tried.outcome.fate),
        tried.outcome.by + (tried.outcome.note.empty() ? "" : ": ") + tried.outcome.note);
  }
  return text;
}

int mutate(int argc, char** argv) {
  CLI::App app{"Changes the RTL in many ways, one at a time, and counts what the tests notice."};
  std::vector<std::string> only;
  std::string work = "build/mutation", results_file;
  std::uint64_t seed = 0;
  int count = 2;
  bool names = false;
  app.add_option("--only", only, "mutants of these modules, or these mutants by their names");
  auto* seeded =
      app.add_option("--seed", seed, "draws mutants instead of taking those of the list");
  app.add_option("--count", count, "drawn mutants of each module")->needs(seeded);
  app.add_option("--work", work, "where the copy of the tree is built");
  app.add_option("--results", results_file, "writes the results there");
  app.add_flag("--list", names, "names the mutants and tries none");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  const MutantList list = read_mutants("tests/mutation/mutants.yaml", ".");
  std::set<std::string> unknown(only.begin(), only.end());
  const auto is_asked_for = [&](const std::string& name) {
    unknown.erase(name);
    return only.empty() || std::count(only.begin(), only.end(), name) > 0;
  };
  std::vector<Mutant> chosen;
  if (seeded->count() == 0) {
    for (const Mutant& mutant : list.mutants) {
      const bool by_module = is_asked_for(mutant.module);
      if (is_asked_for(mutant.name) || by_module) chosen.push_back(mutant);
    }
  } else {
    for (const Module& module : list.modules) {
      if (!is_asked_for(module.name)) continue;
      for (const Mutant& mutant : draw_mutants(module, read_text(module.file), seed, count)) {
        chosen.push_back(mutant);
      }
    }
  }
  if (!unknown.empty()) {
    throw InputError("--only: no module and no mutant is called '" + *unknown.begin() + "'");
  }
  if (names) {
    for (const Mutant& mutant : chosen) {
      fmt::print("{} ({}, {})\n", mutant.name, mutant.module, mutant.operation);
    }
    return 0;
  }

  std::string command = "scripts/mutate";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--results" || word == "--work") {
      ++i;  // these say where, not what
    } else {
      command += " " + word;
    }
  }
  TrialTree tree(fs::current_path(), fs::absolute(work));
  std::vector<Tried> all;
  bool good = true;
  for (const Mutant& mutant : chosen) {
    all.push_back({mutant, tree.try_mutant(list, mutant)});
    const Tried& tried = all.back();
    good = good && as_expected(tried);
    fmt::print("{}/{} {} {}: {}{}{}{}\n", all.size(), chosen.size(), mutant.module, mutant.name,
               text_of(tried.outcome.fate),
               tried.outcome.by.empty() ? "" : " by " + tried.outcome.by,
               tried.outcome.note.empty() ? "" : ", " + tried.outcome.note,
               as_expected(tried) ? "" : "  <-- NOT EXPECTED");
    std::fflush(stdout);
    if (!results_file.empty()) {
      std::ofstream file(results_file);
      file << results(all, list, command);
      if (!file.flush()) throw MachineError(results_file + ": cannot be written");
    }
  }
  int killed = 0;
  for (const Tried& tried : all) killed += tried.outcome.fate == Fate::kKilled;
  fmt::print("{} of {} mutants killed{}\n", killed, all.size(),
             good ? "; every survivor is explained" : "; NOT all is as expected");
  return good ? 0 : 1;
}

}  // namespace
}  // namespace corank::mutation

int main(int argc, char** argv) {
  try {
    return corank::mutation::mutate(argc, argv);
  } catch (const corank::InputError& error) {
    fmt::print(stderr, "corank_mutate: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "corank_mutate: {}\n", error.what());
    return 3;
  }
}
