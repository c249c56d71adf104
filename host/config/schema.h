// A schema whose keys are bound to the fields that they fill: the same description reads a YAML
// tree, words the errors and documents itself. The defaults are what the fields hold when the key
// is made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "host/config/yaml_tree.h"

namespace corank {

struct Key {
  std::string name;
  std::string type;    // "integer, 1..32", "text", "mapping", ...
  std::string unit;    // "" for what has none
  std::string preset;  // the default, as YAML
  std::string help;    // one line
  bool required = false;
  bool may_be_file = false;             // a text stands for the YAML file that holds the value
  std::string word, word_file;          // a word that stands for a file of corank's own
  bool is_list = false;                 // of mappings
  std::vector<Key> keys;                // of the mapping, or of each mapping in the list
  std::vector<std::vector<Key>> items;  // of each mapping that the list held when the key was made
  bool is_path = false;                 // the field names files or folders,
  std::vector<std::string> paths;       // these when the key was made
  bool timed = true;  // whether it can change a run's cycles or counters, or whether it can be run
  /// Checks the value and fills the field; `path` is the value's, like "accelerator.array.rows".
  std::function<void(const YamlNode& value, const std::string& path)> read;
};

struct IntegerRange {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool power_of_two = false;
};

/// Of finite numbers.
struct NumberRange {
  double least = 0;
  double most = std::numeric_limits<double>::infinity();
  bool least_included = true;
  bool most_included = true;
};

/// Int is int, std::int64_t or std::uint64_t; the range must lie in it.
template <class Int>
Key integer(const std::string& name, Int& field, const IntegerRange& range, const std::string& unit,
            const std::string& help);
Key number(const std::string& name, double& field, const NumberRange& range,
           const std::string& unit, const std::string& help);
/// A list of two numbers of one range.
Key number_pair(const std::string& name, double& first, double& second, const NumberRange& range,
                const std::string& unit, const std::string& help);
/// true or false.
Key boolean(const std::string& name, bool& field, const std::string& help);
Key text(const std::string& name, std::string& field, const std::string& help);
/// A path; a relative one is taken from the folder of the file that it stands in, or from the
/// working directory where it comes from the command line. "" stays "".
Key path(const std::string& name, std::string& field, const std::string& help);
/// A list of paths, each like that of path().
Key path_list(const std::string& name, std::vector<std::string>& field, const std::string& help);
Key text_list(const std::string& name, std::vector<std::string>& field, const std::string& help);
/// One of several texts.
Key choice(const std::string& name, std::string& field, const std::vector<std::string>& options,
           const std::string& help);
/// One of several values, written as name_of() says.
template <class Value>
Key choice_of(const std::string& name, Value& field, const std::vector<Value>& options,
              const std::string& help);
/// "on" or "off".
Key on_or_off(const std::string& name, bool& field, const std::string& help);
/// A text that can have one value so far, which no field needs to hold.
Key fixed_choice(const std::string& name, const std::string& value, const std::string& help);
Key mapping(const std::string& name, const std::string& help, std::vector<Key> keys);
/// A list of mappings. `keys_of(item)` gives the keys of one item.
template <class Item>
Key list(const std::string& name, std::vector<Item>& field, const std::string& help,
         std::vector<Key> (*keys_of)(Item&));

/// The same key, without a default.
Key required(Key key);
/// The same mapping, which may be given by the path of a file.
Key or_file(Key key);
/// The same key, which changes no cycle and no counter: a name, a price.
Key untimed(Key key);

/// Reads a mapping into the fields of its keys. Throws InputError at the offending node.
void read_mapping(const std::vector<Key>& keys, const YamlNode& node, const std::string& path);

/// By path, as YAML: what the fields of timed keys held when `keys` were made and differs from what
/// those of `defaults`, the same schema, held. Of files and folders what `contents_of` says of
/// them.
std::map<std::string, std::string> differing_values(
    const std::vector<Key>& keys, const std::vector<Key>& defaults,
    const std::function<std::string(const std::string& path)>& contents_of);

/// The key at a path like "accelerator.array.rows". Throws InputError at `where` for a path that no
/// key has; items of lists have none.
const Key& key_at(const std::vector<Key>& keys, const std::string& path,
                  const SourceLocation& where);

/// All keys at and below these: path, type and range, unit, default; meaning in a second line.
std::string describe(const std::vector<Key>& keys);

/// A path that a user wrote in this node, resolved as for a key made by path().
std::string resolve_path(const YamlNode& node);

/// Throws the InputError "path: expected ..., found ..." at the node.
[[noreturn]] void refuse(const YamlNode& node, const std::string& path,
                         const std::string& expected);

// ---- templates ----

/// One of the options, or InputError.
std::string read_choice(const YamlNode& node, const std::string& path,
                        const std::vector<std::string>& options);
/// An integer within `range`, or InputError.
std::int64_t read_integer(const YamlNode& node, const std::string& path, const IntegerRange& range);
std::string to_string(const IntegerRange& range);
/// "a.b" from "a" and "b", "b" from "" and "b".
std::string join_path(const std::string& path, const std::string& name);

template <class Int>
Key integer(const std::string& name, Int& field, const IntegerRange& range, const std::string& unit,
            const std::string& help) {
  Key key;
  key.name = name;
  key.type = "integer, " + to_string(range);
  key.unit = unit;
  key.preset = std::to_string(field);
  key.help = help;
  key.read = [&field, range](const YamlNode& node, const std::string& where) {
    field = static_cast<Int>(read_integer(node, where, range));
  };
  return key;
}

template <class Value>
Key choice_of(const std::string& name, Value& field, const std::vector<Value>& options,
              const std::string& help) {
  std::vector<std::string> names;
  names.reserve(options.size());
  for (const Value option : options) names.emplace_back(name_of(option));
  std::string chosen = name_of(field);
  Key key = choice(name, chosen, names, help);
  key.read = [&field, options, names](const YamlNode& node, const std::string& where) {
    const std::string found = read_choice(node, where, names);
    field = options[static_cast<std::size_t>(std::find(names.begin(), names.end(), found) -
                                             names.begin())];
  };
  return key;
}

template <class Item>
Key list(const std::string& name, std::vector<Item>& field, const std::string& help,
         std::vector<Key> (*keys_of)(Item&)) {
  Item sample;
  Key key;
  key.name = name;
  key.type = "list of mappings";
  key.is_list = true;
  key.preset = "[]";
  key.help = help;
  key.keys = keys_of(sample);
  for (Item& item : field) key.items.push_back(keys_of(item));
  // They document the items; what they are bound to ends here, or when the list is read.
  for (Key& item_key : key.keys) item_key.read = nullptr;
  for (std::vector<Key>& item_keys : key.items)
    for (Key& item_key : item_keys) item_key.read = nullptr;
  key.read = [&field, keys_of](const YamlNode& node, const std::string& where) {
    if (node.kind != YamlNode::Kind::kList) refuse(node, where, "a list of mappings");
    field.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      Item item;
      read_mapping(keys_of(item), node.items[i], where + "[" + std::to_string(i) + "]");
      field.push_back(item);
    }
  };
  return key;
}

}  // namespace corank
