// A YAML document as plain data that knows where each of its parts was written.
//
// Of YAML 1.2 it takes mappings, lists, scalars and null in one document. Anchors, aliases, tags
// and merge keys are refused: a configuration should say in one place what holds there.
#pragma once

#include <string>
#include <vector>

#include "models/base/error.h"

namespace corank {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMapping };

  Kind kind = Kind::kNull;
  SourceLocation where;            // line 0: from the command line
  std::string text;                // of a scalar
  bool quoted = false;             // a scalar in quotes or a block scalar: always a text
  std::vector<YamlNode> items;     // of a list
  std::vector<YamlEntry> entries;  // of a mapping, in the order of the file; keys are unique
};

struct YamlEntry {
  std::string key;
  SourceLocation where;  // of the key
  YamlNode value;
};

/// The text of a YAML file; `file` is its name in locations. An empty document is null. Throws
/// InputError for invalid YAML, for what this reader refuses (above), for a duplicate key and for
/// text that is not UTF-8 or has control characters.
YamlNode parse_yaml(const std::string& text, const std::string& file);

/// The same for a value from the command line: every location is `origin`, without a line.
YamlNode parse_yaml_value(const std::string& text, const std::string& origin);

/// The value of a key of a mapping; null where there is none.
YamlNode* find(YamlNode& node, const std::string& key);
const YamlNode* find(const YamlNode& node, const std::string& key);

/// What a node is, for messages: "'12'", "the text \"12\"", "a list", "a mapping", "nothing".
std::string describe(const YamlNode& node);

/// A user's text in a message: control characters replaced, cut where it is long.
std::string excerpt(const std::string& text);

}  // namespace corank
