#include "host/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "models/base/text.h"

namespace corank {
namespace {

// Far deeper than any schema; keeps the recursions over a tree short.
constexpr std::size_t kDeepest = 64;

/// A name for locations, with or without lines.
struct TextSource {
  std::string name;
  bool has_lines = true;

  SourceLocation at(int line, int column) const {
    return has_lines ? SourceLocation{name, line, column} : SourceLocation{name, 0, 0};
  }
  // Marks of yaml-cpp count from 0 and are -1 where it knows no place.
  SourceLocation at(const YAML::Mark& mark) const { return at(mark.line + 1, mark.column + 1); }
};

/// Builds the tree from yaml-cpp's events. Its own node type is not used: it has no tags of plain
/// scalars, does not see duplicate keys and shares nodes between aliases.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(TextSource source) : source_(std::move(source)) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      throw InputError(source_.at(mark), "expected one YAML document, found a second one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(YamlNode::Kind::kNull, mark, anchor, ""));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // yaml-cpp gives the tag "?" to plain scalars and "!" to the others.
    YamlNode scalar = node(YamlNode::Kind::kScalar, mark, anchor, tag);
    scalar.quoted = tag == "!";
    scalar.text = value;
    if (value.find('\0') != std::string::npos)
      throw InputError(scalar.where, "expected a text without NUL characters");
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node(YamlNode::Kind::kList, mark, anchor, tag));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node(YamlNode::Kind::kMapping, mark, anchor, tag));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::optional<YamlNode> key;  // of a mapping: read, and its value not yet
  };

  [[noreturn]] void refuse_alias(const YAML::Mark& mark) const {
    throw InputError(source_.at(mark), "YAML anchors and aliases are not supported");
  }

  YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor,
                const std::string& tag) const {
    if (anchor != YAML::NullAnchor) refuse_alias(mark);
    if (!tag.empty() && tag != "?" && tag != "!")
      throw InputError(source_.at(mark),
                       "YAML tags are not supported, found '" + excerpt(tag) + "'");
    YamlNode node;
    node.kind = kind;
    node.where = source_.at(mark);
    return node;
  }

  void open(YamlNode node) {
    if (open_.size() == kDeepest)
      throw InputError(node.where,
                       "expected at most " + std::to_string(kDeepest) + " levels of nesting");
    if (expects_key()) refuse_key(node);
    open_.push_back({std::move(node), std::nullopt});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == YamlNode::Kind::kList) {
      open_.back().node.items.push_back(std::move(node));
    } else if (expects_key()) {
      check_key(open_.back().node, node);
      open_.back().key = std::move(node);
    } else {
      Open& mapping = open_.back();
      mapping.node.entries.push_back({mapping.key->text, mapping.key->where, std::move(node)});
      mapping.key.reset();
    }
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMapping &&
           !open_.back().key;
  }

  [[noreturn]] static void refuse_key(const YamlNode& key) {
    // yaml-cpp takes a bracket that is never closed for the beginning of a key.
    const bool has_brackets =
        key.kind == YamlNode::Kind::kList || key.kind == YamlNode::Kind::kMapping;
    throw InputError(key.where, "expected a key, found " + describe(key) +
                                    (has_brackets ? ", or a bracket that is never closed" : ""));
  }

  static void check_key(const YamlNode& mapping, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::kScalar) refuse_key(key);
    if (key.text == "<<") throw InputError(key.where, "YAML merge keys are not supported");
    const auto first = std::find_if(mapping.entries.begin(), mapping.entries.end(),
                                    [&](const YamlEntry& entry) { return entry.key == key.text; });
    if (first == mapping.entries.end()) return;
    std::string message = "duplicate key '" + excerpt(key.text) + "'";
    if (first->where.line > 0) message += ", first in line " + std::to_string(first->where.line);
    throw InputError(key.where, message);
  }

  TextSource source_;
  int documents_ = 0;
  YamlNode root_;
  std::vector<Open> open_;
};

bool is_control(unsigned char byte) {
  return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
}

/// yaml-cpp takes some control characters for the end of its input and passes on bytes that are not
/// UTF-8, so both are found before it sees them.
void check_characters(const std::string& text, const TextSource& source) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  int line = 1, column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(std::string_view(text).substr(i));
    if (length == 0) throw InputError(source.at(line, column), "expected UTF-8 text");
    if (is_control(bytes[i]))
      throw InputError(source.at(line, column),
                       "expected a text, found control character " + std::to_string(int{bytes[i]}));
    column = bytes[i] == '\n' ? 1 : column + 1;
    if (bytes[i] == '\n') ++line;
    i += length;
  }
}

/// What yaml-cpp says of a text, by how its sentence begins, and what we say: its sentences are for
/// who knows how a YAML parser works.
struct SyntaxFault {
  const char* begin;
  const char* sentence;
};

constexpr const char* kNoAnchors = "anchors and aliases are not supported";
constexpr const char* kNoTags = "tags are not supported";
constexpr const char* kNoDirectives = "directives, lines that begin with '%', are not supported";

const SyntaxFault kSyntaxFaults[] = {
    {YAML::ErrorMsg::END_OF_MAP, "expected 'key: value', indented as the keys above are"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "expected ',' or '}' after an entry of a mapping in braces"},
    {YAML::ErrorMsg::END_OF_SEQ, "expected '- ' and an item, indented as the items above are"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "expected ',' or ']' after an item of a list in brackets"},
    {YAML::ErrorMsg::FLOW_END, "found a ']' or '}' that closes no bracket of its kind"},
    {YAML::ErrorMsg::BLOCK_ENTRY, "found a '- ' where no item of a list can be"},
    {YAML::ErrorMsg::MAP_KEY, "found a '? ' where no key can be"},
    {YAML::ErrorMsg::MAP_VALUE,
     "found a ':' where no value can be: a line has one key, and a text with ': ' needs quotes"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN,
     "found a character that a text without quotes cannot begin with"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "found the end of the text before the closing quote"},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "found the end of the document before the closing quote"},
    {YAML::ErrorMsg::CHAR_IN_SCALAR, "found a character that a text without quotes cannot have"},
    {YAML::ErrorMsg::TAB_IN_INDENTATION, "expected spaces before a text, found a tab"},
    {YAML::ErrorMsg::INVALID_ESCAPE, "found a '\\' with a character that it cannot escape"},
    {YAML::ErrorMsg::INVALID_HEX, "expected hexadecimal digits after '\\x', '\\u' or '\\U'"},
    {YAML::ErrorMsg::INVALID_UNICODE, "found an escape that stands for no Unicode character"},
    {YAML::ErrorMsg::CHAR_IN_BLOCK, "expected a new line after '|' or '>'"},
    {YAML::ErrorMsg::ZERO_INDENT_IN_BLOCK, "expected an indentation of 1 to 9 after '|' or '>'"},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, kNoAnchors},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND, kNoAnchors},
    {YAML::ErrorMsg::CHAR_IN_ALIAS, kNoAnchors},
    {YAML::ErrorMsg::CHAR_IN_ANCHOR, kNoAnchors},
    {YAML::ErrorMsg::ALIAS_CONTENT, kNoAnchors},
    {YAML::ErrorMsg::MULTIPLE_ANCHORS, kNoAnchors},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, kNoAnchors},
    {YAML::ErrorMsg::CHAR_IN_TAG_HANDLE, kNoTags},
    {YAML::ErrorMsg::TAG_WITH_NO_SUFFIX, kNoTags},
    {YAML::ErrorMsg::END_OF_VERBATIM_TAG, kNoTags},
    {YAML::ErrorMsg::MULTIPLE_TAGS, kNoTags},
    {YAML::ErrorMsg::YAML_DIRECTIVE_ARGS, kNoDirectives},
    {YAML::ErrorMsg::YAML_VERSION, kNoDirectives},
    {YAML::ErrorMsg::YAML_MAJOR_VERSION, kNoDirectives},
    {YAML::ErrorMsg::REPEATED_YAML_DIRECTIVE, kNoDirectives},
    {YAML::ErrorMsg::TAG_DIRECTIVE_ARGS, kNoDirectives},
    {YAML::ErrorMsg::REPEATED_TAG_DIRECTIVE, kNoDirectives},
};

const char* sentence_of(std::string_view fault) {
  for (const auto& [begin, sentence] : kSyntaxFaults)
    if (fault.substr(0, std::string_view(begin).size()) == begin) return sentence;
  return "what stands here is not YAML 1.2";
}

YamlNode parse(const std::string& text, const TextSource& source) {
  check_characters(text, source);
  TreeBuilder builder(source);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) {
      YamlNode nothing;
      nothing.where = source.at(1, 1);
      return nothing;
    }
    parser.HandleNextDocument(builder);  // throws if there is a second one
  } catch (const YAML::Exception& error) {
    throw InputError(source.at(error.mark), std::string("invalid YAML: ") + sentence_of(error.msg));
  }
  return builder.take();
}

template <class Node>
auto* find_in(Node& node, const std::string& key) {
  for (auto& entry : node.entries)
    if (entry.key == key) return &entry.value;
  return static_cast<decltype(&node.entries.front().value)>(nullptr);
}

}  // namespace

YamlNode parse_yaml(const std::string& text, const std::string& file) {
  return parse(text, {file, true});
}

YamlNode parse_yaml_value(const std::string& text, const std::string& source) {
  return parse(text, {source, false});
}

YamlNode* find(YamlNode& node, const std::string& key) { return find_in(node, key); }
const YamlNode* find(const YamlNode& node, const std::string& key) { return find_in(node, key); }

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return node.quoted ? "the text \"" + excerpt(node.text) + "\""
                         : "'" + excerpt(node.text) + "'";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "";  // not reached: every kind stands above
}

std::string excerpt(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  std::size_t length = std::min(text.size(), kLongest);
  // Not in the middle of a UTF-8 sequence.
  while (length < text.size() && length > 0 && (text[length] & 0xC0) == 0x80) --length;
  std::string shown = text.substr(0, length);
  for (char& character : shown)
    if (is_control(static_cast<unsigned char>(character)) || character == '\n' || character == '\r')
      character = '?';
  return length < text.size() ? shown + "..." : shown;
}

}  // namespace corank
