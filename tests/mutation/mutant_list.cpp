#include "tests/mutation/mutant_list.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "models/base/error.h"

namespace corank::mutation {
namespace {

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  [[noreturn]] void refuse(const YAML::Node& node, const std::string& what) const {
    const YAML::Mark mark = node.Mark();
    throw InputError(SourceLocation{path_, mark.line + 1, mark.column + 1}, what);
  }

  void expect_keys(const YAML::Node& node, const std::set<std::string>& known) const {
    if (!node.IsMap()) refuse(node, "expected a mapping");
    for (const auto& pair : node) {
      const auto key = pair.first.as<std::string>();
      if (known.count(key) == 0) refuse(pair.first, "unknown key '" + key + "'");
    }
  }

  std::string text(const YAML::Node& node, const char* key) const {
    if (!node[key] || !node[key].IsScalar())
      refuse(node, std::string("expected a text '") + key + "'");
    return node[key].as<std::string>();
  }

  std::string text_or(const YAML::Node& node, const char* key) const {
    return node[key] ? text(node, key) : "";
  }

 private:
  std::string path_;
};

template <class Item>
const Item& find(const std::vector<Item>& items, const std::string& name, const char* what) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  if (found == items.end()) throw InputError(std::string("no ") + what + " '" + name + "'");
  return *found;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

Bench read_bench(const Reader& reader, const std::string& name, const YAML::Node& node) {
  reader.expect_keys(node, {"program", "arguments", "environment", "cpu_seconds"});
  Bench bench;
  bench.name = name;
  bench.program = reader.text(node, "program");
  if (node["arguments"]) bench.arguments = node["arguments"].as<std::vector<std::string>>();
  if (node["environment"]) {
    bench.environment = node["environment"].as<std::map<std::string, std::string>>();
  }
  bench.cpu_seconds = std::stoi(reader.text(node, "cpu_seconds"));
  return bench;
}

}  // namespace

const Bench& MutantList::bench(const std::string& name) const {
  return find(benches, name, "bench");
}
const Module& MutantList::module(const std::string& name) const {
  return find(modules, name, "module");
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw InputError(path + ": cannot be read");
  return text.str();
}

MutantList read_mutants(const std::string& path, const std::string& tree) {
  const Reader reader(path);
  MutantList list;
  YAML::Node root;
  try {
    root = YAML::Load(read_text(path));
    reader.expect_keys(root, {"benches", "modules"});
    for (const auto& pair : root["benches"]) {
      list.benches.push_back(read_bench(reader, pair.first.as<std::string>(), pair.second));
    }
    std::set<std::string> names;
    for (const auto& pair : root["modules"]) {
      const YAML::Node node = pair.second;
      reader.expect_keys(node, {"file", "benches", "mutants"});
      Module module;
      module.name = pair.first.as<std::string>();
      module.file = reader.text(node, "file");
      module.benches = node["benches"].as<std::vector<std::string>>();
      for (const std::string& bench : module.benches) list.bench(bench);
      const std::string rtl = read_text(tree + "/" + module.file);
      for (const YAML::Node& item : node["mutants"]) {
        reader.expect_keys(item, {"name", "operation", "from", "to", "survives"});
        Mutant mutant;
        mutant.name = reader.text(item, "name");
        mutant.module = module.name;
        mutant.operation = reader.text(item, "operation");
        mutant.from = reader.text(item, "from");
        mutant.to = reader.text(item, "to");
        mutant.survives = reader.text_or(item, "survives");
        if (!names.insert(mutant.name).second) {
          reader.refuse(item, "the name '" + mutant.name + "' is used twice");
        }
        if (mutant.from == mutant.to) reader.refuse(item, mutant.name + " changes nothing");
        const std::size_t count = count_of(rtl, mutant.from);
        if (count != 1) {
          reader.refuse(item, mutant.name + ": expected the text once in " + module.file +
                                  ", found it " + std::to_string(count) + " times");
        }
        mutant.offset = rtl.find(mutant.from);
        list.mutants.push_back(mutant);
      }
      list.modules.push_back(module);
    }
  } catch (const YAML::Exception& error) {
    throw InputError(SourceLocation{path, error.mark.line + 1, error.mark.column + 1}, error.msg);
  }
  return list;
}

}  // namespace corank::mutation
