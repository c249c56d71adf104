#include "host/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

namespace corank {
namespace {

enum class Parsed { kYes, kNotANumber, kTooLarge };

/// The whole of a plain scalar as a decimal number; a "+" is allowed as in YAML.
template <class Number>
Parsed parse_number(const YamlNode& node, Number& value) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted) return Parsed::kNotANumber;
  const char* begin = node.text.data();
  const char* const end = begin + node.text.size();
  if (node.text.size() > 1 && *begin == '+' && begin[1] != '-') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (stop != end || error == std::errc::invalid_argument) return Parsed::kNotANumber;
  return error == std::errc() ? Parsed::kYes : Parsed::kTooLarge;
}

bool contains(const NumberRange& range, double value) {
  if (!std::isfinite(value)) return false;
  const bool above = range.least_included ? value >= range.least : value > range.least;
  const bool below = range.most_included ? value <= range.most : value < range.most;
  return above && below;
}

std::string range_text(const NumberRange& range) {
  std::string text = fmt::format("{} {}", range.least_included ? "at least" : "above", range.least);
  if (std::isfinite(range.most))
    text += fmt::format(", {} {}", range.most_included ? "at most" : "below", range.most);
  return text;
}

double read_number(const YamlNode& node, const std::string& path, const NumberRange& range) {
  double value = 0;
  if (parse_number(node, value) != Parsed::kYes || !contains(range, value))
    refuse(node, path, "a finite number " + range_text(range));
  return value;
}

std::string read_text(const YamlNode& node, const std::string& path) {
  if (node.kind != YamlNode::Kind::kScalar) refuse(node, path, "a text");
  return node.text;
}

/// Insertions, deletions and replacements that turn one text into the other (Levenshtein, 1966).
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// The name nearest to `found`, if at most a third of it (or two letters) is wrong, or else one
/// that only goes on after it.
std::optional<std::string> nearest(const std::string& found,
                                   const std::vector<std::string>& names) {
  constexpr std::size_t kLongestKey = 64;  // garbage needs no suggestion
  if (found.size() > kLongestKey) return std::nullopt;
  std::optional<std::string> best;
  std::size_t least = std::max<std::size_t>(2, found.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t distance = edit_distance(found, name);
    if (distance >= least || distance >= name.size()) continue;
    least = distance;
    best = name;
  }
  const auto longer = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return found.size() >= 3 && name.compare(0, found.size(), found) == 0;
  });
  if (!best && longer != names.end()) best = *longer;
  return best;
}

std::string join(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

[[noreturn]] void refuse_key(const YamlEntry& entry, const std::vector<Key>& keys,
                             const std::string& path) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Key& key : keys) names.push_back(key.name);
  const auto suggestion = nearest(entry.key, names);
  throw InputError(
      entry.where,
      "unknown key '" + excerpt(entry.key) + "'" + (path.empty() ? "" : " in " + path) +
          (suggestion ? "; did you mean '" + *suggestion + "'?" : "; expected " + join(names)));
}

Key make_key(const std::string& name, const std::string& type, const std::string& unit,
             const std::string& preset, const std::string& help) {
  Key key;
  key.name = name;
  key.type = type;
  key.unit = unit;
  key.preset = preset;
  key.help = help;
  return key;
}

// As YAML; one list has one text.
std::string list_of_texts(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += list.empty() ? "\"" : ", \"";
    for (const char c : text) list += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    list += '"';
  }
  return "[" + list + "]";
}

using ContentsOf = std::function<std::string(const std::string&)>;

std::string value_of(const Key& key, const ContentsOf& contents_of) {
  if (!key.is_path) return key.preset;
  std::vector<std::string> contents;
  for (const std::string& path : key.paths)
    contents.push_back(path.empty() ? "" : contents_of(path));
  return list_of_texts(contents);
}

void add_differing(const std::vector<Key>& keys, const std::vector<Key>& defaults,
                   const std::string& path, const ContentsOf& contents_of,
                   std::map<std::string, std::string>& values) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key& key = keys[i];
    if (!key.timed) continue;
    const std::string name = join_path(path, key.name);
    if (key.is_list) {
      // An item is there, whatever it says.
      for (std::size_t item = 0; item < key.items.size(); ++item) {
        const std::string item_path = name + "[" + std::to_string(item) + "]";
        values[item_path] = "";
        add_differing(key.items[item], key.keys, item_path, contents_of, values);
      }
    } else if (!key.keys.empty()) {
      add_differing(key.keys, defaults[i].keys, name, contents_of, values);
    } else if (const std::string value = value_of(key, contents_of);
               value != value_of(defaults[i], contents_of)) {
      values[name] = value;
    }
  }
}

void describe_into(std::string& text, const std::vector<Key>& keys, const std::string& path) {
  for (const Key& key : keys) {
    const std::string name = join_path(path, key.name);
    text += name + ": " + key.type;
    if (key.may_be_file) text += ", or the path of a YAML file that holds it";
    if (!key.word.empty()) text += ", or " + key.word;
    if (!key.unit.empty()) text += ", in " + key.unit;
    if (key.required) text += "; required";
    if (!key.required && !key.preset.empty()) text += "; default " + key.preset;
    text += "\n    " + key.help + "\n";
    // Brackets stand for each item of a list.
    describe_into(text, key.keys, key.is_list ? name + "[]" : name);
  }
}

}  // namespace

std::string read_choice(const YamlNode& node, const std::string& path,
                        const std::vector<std::string>& options) {
  std::string found = read_text(node, path);
  if (std::find(options.begin(), options.end(), found) != options.end()) return found;
  if (options.size() == 1)
    throw InputError(node.where, path + ": " + describe(node) + " is not available; expected '" +
                                     options.front() + "', the only one so far");
  const auto suggestion = nearest(found, options);
  throw InputError(node.where, path + ": expected one of " + join(options) + "; found " +
                                   describe(node) +
                                   (suggestion ? "; did you mean '" + *suggestion + "'?" : ""));
}

void refuse(const YamlNode& node, const std::string& path, const std::string& expected) {
  throw InputError(node.where, (path.empty() ? "" : path + ": ") + "expected " + expected +
                                   ", found " + describe(node));
}

std::string join_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string to_string(const IntegerRange& range) {
  const bool bounded = range.most != std::numeric_limits<std::int64_t>::max();
  const std::string limits =
      bounded ? fmt::format("{}..{}", range.least, range.most) : fmt::format("{}..", range.least);
  return range.power_of_two ? "a power of two, " + limits : limits;
}

std::int64_t read_integer(const YamlNode& node, const std::string& path,
                          const IntegerRange& range) {
  std::int64_t value = 0;
  const bool right = parse_number(node, value) == Parsed::kYes && value >= range.least &&
                     value <= range.most &&
                     (!range.power_of_two || (value > 0 && (value & (value - 1)) == 0));
  if (!right) refuse(node, path, "an integer, " + to_string(range));
  return value;
}

Key number(const std::string& name, double& field, const NumberRange& range,
           const std::string& unit, const std::string& help) {
  Key key = make_key(name, "number, " + range_text(range), unit, fmt::format("{}", field), help);
  key.read = [&field, range](const YamlNode& node, const std::string& where) {
    field = read_number(node, where, range);
  };
  return key;
}

Key number_pair(const std::string& name, double& first, double& second, const NumberRange& range,
                const std::string& unit, const std::string& help) {
  Key key = make_key(name, "list of two numbers, " + range_text(range), unit,
                     fmt::format("[{}, {}]", first, second), help);
  key.read = [&first, &second, range](const YamlNode& node, const std::string& where) {
    if (node.kind != YamlNode::Kind::kList) refuse(node, where, "a list of two numbers");
    if (node.items.size() != 2)
      throw InputError(node.where, fmt::format("{}: expected a list of two numbers, found {}",
                                               where, node.items.size()));
    first = read_number(node.items[0], where + "[0]", range);
    second = read_number(node.items[1], where + "[1]", range);
  };
  return key;
}

Key boolean(const std::string& name, bool& field, const std::string& help) {
  Key key = make_key(name, "true or false", "", field ? "true" : "false", help);
  key.read = [&field](const YamlNode& node, const std::string& where) {
    const bool plain = node.kind == YamlNode::Kind::kScalar && !node.quoted;
    if (!plain || (node.text != "true" && node.text != "false"))
      refuse(node, where, "true or false");
    field = node.text == "true";
  };
  return key;
}

Key text(const std::string& name, std::string& field, const std::string& help) {
  Key key = make_key(name, "text", "", "\"" + field + "\"", help);
  key.read = [&field](const YamlNode& node, const std::string& where) {
    field = read_text(node, where);
  };
  return key;
}

Key path(const std::string& name, std::string& field, const std::string& help) {
  Key key = make_key(name, "path", "", "\"" + field + "\"", help);
  key.is_path = true;
  key.paths = {field};
  key.read = [&field](const YamlNode& node, const std::string& where) {
    read_text(node, where);
    field = resolve_path(node);
  };
  return key;
}

Key path_list(const std::string& name, std::vector<std::string>& field, const std::string& help) {
  Key key = make_key(name, "list of paths", "", "[]", help);
  key.is_path = true;
  key.paths = field;
  key.read = [&field](const YamlNode& node, const std::string& where) {
    if (node.kind != YamlNode::Kind::kList) refuse(node, where, "a list of paths");
    field.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (read_text(node.items[i], where + "[" + std::to_string(i) + "]").empty())
        refuse(node.items[i], where + "[" + std::to_string(i) + "]", "a path");
      field.push_back(resolve_path(node.items[i]));
    }
  };
  return key;
}

Key text_list(const std::string& name, std::vector<std::string>& field, const std::string& help) {
  Key key = make_key(name, "list of texts", "", list_of_texts(field), help);
  key.read = [&field](const YamlNode& node, const std::string& where) {
    if (node.kind != YamlNode::Kind::kList) refuse(node, where, "a list of texts");
    field.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i)
      field.push_back(read_text(node.items[i], where + "[" + std::to_string(i) + "]"));
  };
  return key;
}

Key choice(const std::string& name, std::string& field, const std::vector<std::string>& options,
           const std::string& help) {
  Key key = make_key(name, "one of " + join(options), "", field, help);
  key.read = [&field, options](const YamlNode& node, const std::string& where) {
    field = read_choice(node, where, options);
  };
  return key;
}

Key on_or_off(const std::string& name, bool& field, const std::string& help) {
  std::string chosen = field ? "on" : "off";
  Key key = choice(name, chosen, {"on", "off"}, help);
  key.read = [&field](const YamlNode& node, const std::string& where) {
    field = read_choice(node, where, {"on", "off"}) == "on";
  };
  return key;
}

Key fixed_choice(const std::string& name, const std::string& value, const std::string& help) {
  Key key = make_key(name, "one of " + value, "", value, help);
  key.read = [value](const YamlNode& node, const std::string& where) {
    read_choice(node, where, {value});
  };
  return key;
}

Key mapping(const std::string& name, const std::string& help, std::vector<Key> keys) {
  Key key = make_key(name, "mapping", "", "", help);
  key.keys = keys;
  key.read = [keys = std::move(keys)](const YamlNode& node, const std::string& where) {
    read_mapping(keys, node, where);
  };
  return key;
}

Key required(Key key) {
  key.required = true;
  return key;
}

Key or_file(Key key) {
  key.may_be_file = true;
  return key;
}

Key untimed(Key key) {
  key.timed = false;
  return key;
}

void read_mapping(const std::vector<Key>& keys, const YamlNode& node, const std::string& path) {
  if (node.kind != YamlNode::Kind::kMapping) refuse(node, path, "a mapping");
  for (const YamlEntry& entry : node.entries) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const Key& known) { return known.name == entry.key; });
    if (key == keys.end()) refuse_key(entry, keys, path);
    key->read(entry.value, join_path(path, key->name));
  }
  for (const Key& key : keys)
    if (key.required && find(node, key.name) == nullptr)
      throw InputError(node.where,
                       (path.empty() ? "" : path + ": ") + "the key '" + key.name + "' is missing");
}

std::map<std::string, std::string> differing_values(const std::vector<Key>& keys,
                                                    const std::vector<Key>& defaults,
                                                    const ContentsOf& contents_of) {
  std::map<std::string, std::string> values;
  add_differing(keys, defaults, "", contents_of, values);
  return values;
}

const Key& key_at(const std::vector<Key>& keys, const std::string& path,
                  const SourceLocation& where) {
  const std::vector<Key>* among = &keys;
  const Key* key = nullptr;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string above = begin == 0 ? "" : path.substr(0, begin - 1);
    YamlEntry entry;
    entry.key = path.substr(begin, end - begin);
    entry.where = where;
    const auto found = std::find_if(among->begin(), among->end(),
                                    [&](const Key& known) { return known.name == entry.key; });
    if (found == among->end() && among->empty())
      throw InputError(where,
                       "unknown key '" + excerpt(path) + "'; " + above + " has none below it");
    if (found == among->end()) refuse_key(entry, *among, above);
    key = &*found;
    static const std::vector<Key> kNone;
    among = key->is_list ? &kNone : &key->keys;
    begin = end + 1;
  }
  return *key;
}

std::string describe(const std::vector<Key>& keys) {
  std::string text;
  describe_into(text, keys, "");
  return text;
}

std::string resolve_path(const YamlNode& node) {
  // Line 0: from the command line, hence relative to the working directory.
  if (node.text.empty() || node.where.line == 0) return node.text;
  return (std::filesystem::path(node.where.file).parent_path() / node.text).string();
}

}  // namespace corank
