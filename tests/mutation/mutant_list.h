// The mutants of the RTL: single textual changes, each of which the tests should notice.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace corank::mutation {

/// A test program that can kill a mutant.
struct Bench {
  std::string name;
  std::string program;                 // below the build folder; its file name is the build target
  std::vector<std::string> arguments;  // of the program
  std::map<std::string, std::string> environment;
  int cpu_seconds = 0;  // a test that takes longer is red
};

struct Module {
  std::string name;
  std::string file;                  // below the root of the tree
  std::vector<std::string> benches;  // in the order in which they are tried
};

struct Mutant {
  std::string name;
  std::string module;
  std::string operation;   // the kind of change: "lost sticky bit", "mask off by one" ...
  std::string from, to;    // `from` occurs exactly once in the module's file
  std::string survives;    // why no test can notice it; empty: it must be killed
  std::size_t offset = 0;  // of `from` in the file
};

struct MutantList {
  std::vector<Bench> benches;
  std::vector<Module> modules;
  std::vector<Mutant> mutants;

  const Bench& bench(const std::string& name) const;
  const Module& module(const std::string& name) const;
};

/// Reads the list and finds each mutant's place in the RTL below `tree`. Throws InputError, with
/// the place in the list: an unknown key, bench or module, a name used twice, a text that the RTL
/// has not exactly once, a change that changes nothing.
MutantList read_mutants(const std::string& path, const std::string& tree);

/// The text of a file; InputError if it cannot be read.
std::string read_text(const std::string& path);

}  // namespace corank::mutation
