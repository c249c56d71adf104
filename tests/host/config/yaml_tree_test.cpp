#include "host/config/yaml_tree.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <string>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

std::string refusal(const std::string& text) {
  return message_of<InputError>([&] { parse_yaml(text, "a.yaml"); });
}

}  // namespace

TEST_CASE("A YAML tree knows the place of every key and value") {
  const YamlNode root = parse_yaml("# comment\nname: x\nlist:\n  - 1\n  - {a: 'b'}\n", "a.yaml");
  REQUIRE(root.kind == YamlNode::Kind::kMapping);
  REQUIRE(root.entries.size() == 2);
  CHECK(to_string(root.entries[0].where) == "a.yaml:2:1");
  CHECK(root.entries[0].key == "name");
  CHECK(to_string(root.entries[0].value.where) == "a.yaml:2:7");
  const YamlNode& list = *find(root, "list");
  REQUIRE(list.items.size() == 2);
  CHECK(to_string(list.items[0].where) == "a.yaml:4:5");
  CHECK(list.items[0].text == "1");
  CHECK_FALSE(list.items[0].quoted);
  const YamlNode& b = *find(list.items[1], "a");
  CHECK(to_string(b.where) == "a.yaml:5:9");
  CHECK(b.text == "b");
  CHECK(b.quoted);
  CHECK(find(root, "missing") == nullptr);
}

TEST_CASE("A YAML value of the command line has no line") {
  const YamlNode node = parse_yaml_value("[1, 2]", "--set x=[1, 2]");
  REQUIRE(node.items.size() == 2);
  CHECK(to_string(node.items[1].where) == "--set x=[1, 2]");
  CHECK(parse_yaml_value("", "--set x=").kind == YamlNode::Kind::kNull);
}

TEST_CASE("An empty YAML document is null") {
  for (const char* text : {"", "\n", "# comment\n", "---\n", "---\n...\n", "~", "null"}) {
    INFO(text);
    CHECK(parse_yaml(text, "a.yaml").kind == YamlNode::Kind::kNull);
  }
}

TEST_CASE("What a YAML tree does not take is refused where it stands") {
  CHECK(refusal("a: 1\na: 2\n") == "a.yaml:2:1: duplicate key 'a', first in line 1");
  CHECK(refusal("b: {a: 1, 'a': 2}\n") == "a.yaml:1:11: duplicate key 'a', first in line 1");
  CHECK(refusal("a: 1\n---\nb: 2\n") ==
        "a.yaml:2:1: expected one YAML document, found a second one");
  CHECK(refusal("a: &x 1\n") == "a.yaml:1:4: YAML anchors and aliases are not supported");
  CHECK(refusal("a: *x\n").substr(0, 10) == "a.yaml:1:4");
  CHECK(refusal("a: !!int 1\n") ==
        "a.yaml:1:4: YAML tags are not supported, found 'tag:yaml.org,2002:int'");
  CHECK(refusal("<<: {a: 1}\n") == "a.yaml:1:1: YAML merge keys are not supported");
  CHECK(refusal("? [a]\n: 1\n") ==
        "a.yaml:1:3: expected a key, found a list, or a bracket that is never closed");
  CHECK(refusal("~: 1\n") == "a.yaml:1:1: expected a key, found nothing");
  CHECK(refusal("a: \"\\0\"\n") == "a.yaml:1:4: expected a text without NUL characters");
}

TEST_CASE("Invalid YAML is refused where it stands") {
  CHECK_THAT(refusal("a: [1, 2\n"), Catch::StartsWith("a.yaml:2:1: invalid YAML: "));
  CHECK_THAT(refusal("a: 1\n b: 2\n"), Catch::StartsWith("a.yaml:2:3: invalid YAML: "));
  CHECK_THAT(refusal("a: 1\n\tb: 2\n"), Catch::StartsWith("a.yaml:2:"));
}

TEST_CASE("What is wrong with YAML is said in our own sentences") {
  const std::pair<const char*, const char*> wrong[] = {
      {"a: {b: 1", "expected ',' or '}' after an entry of a mapping in braces"},
      {"a: [1, 2", "expected ',' or ']' after an item of a list in brackets"},
      {"a: [1}", "found a ']' or '}' that closes no bracket of its kind"},
      {"a: 1\n- 2", "expected 'key: value', indented as the keys above are"},
      {"a: b: 1",
       "found a ':' where no value can be: a line has one key, and a text with ': ' "
       "needs quotes"},
      {"a: - 1", "found a '- ' where no item of a list can be"},
      {"a: ? 1", "found a '? ' where no key can be"},
      {"a: @b", "found a character that a text without quotes cannot begin with"},
      {"a: 'b", "found the end of the text before the closing quote"},
      {"a: 'b\n---\n", "found the end of the document before the closing quote"},
      {"a: \"\\q\"", "found a '\\' with a character that it cannot escape"},
      {"a: \"\\xg0\"", "expected hexadecimal digits after '\\x', '\\u' or '\\U'"},
      {"a: \"\\ud800\"", "found an escape that stands for no Unicode character"},
      {"a: |x\n  b", "expected a new line after '|' or '>'"},
      {"a: |0\n  b", "expected an indentation of 1 to 9 after '|' or '>'"},
      {"a: * b", "anchors and aliases are not supported"},
      {"a: &\n", "anchors and aliases are not supported"},
      {"a: !<b", "tags are not supported"},
      {"%YAML 9.1\n---\na: 1", "directives, lines that begin with '%', are not supported"},
  };
  for (const auto& [text, sentence] : wrong) {
    const std::string message = refusal(text);
    INFO("text " << text << "\nmessage " << message);
    CHECK_THAT(message, Catch::EndsWith(std::string(": invalid YAML: ") + sentence));
  }
}

TEST_CASE("What is no text is refused where it stands") {
  CHECK(refusal("a: 1\nb\x04: 2\n") == "a.yaml:2:2: expected a text, found control character 4");
  CHECK(refusal(std::string("a: 1\0", 5)) ==
        "a.yaml:1:5: expected a text, found control character 0");
  // Columns count characters: the umlaut before the wrong byte is one.
  CHECK(refusal("\xC3\xBC\xFF") == "a.yaml:1:2: expected UTF-8 text");
  for (const char* wrong : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                            "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80"})
    CHECK(refusal(wrong) == "a.yaml:1:1: expected UTF-8 text");
  for (const char* right : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xEF\xBF\xBD",
                            "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK(refusal(right).empty());
}

TEST_CASE("YAML that is nested without end is refused") {
  CHECK_FALSE(refusal(std::string(100'000, '[')).empty());
  CHECK_FALSE(refusal(std::string(1'000, '[') + std::string(1'000, ']')).empty());
  std::string deep;
  for (int i = 0; i < 1'000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  CHECK_FALSE(refusal(deep).empty());
}

TEST_CASE("Random text is a YAML tree or refused with its place, never a crash") {
  const std::uint32_t seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  // Pieces that mean something in YAML, so that the text gets beyond the first character.
  const std::string pieces[] = {"a",  "b",  ": ", ":",   "- ",  "-",  "\n",      "\n  ", "{",
                                "}",  "[",  "]",  ",",   "'",   "\"", "#",       "&",    "*",
                                "!",  "|",  ">",  "---", "...", "? ", "%",       "@",    "\\",
                                "<<", "\t", "\r", "1",   "~",   " ",  "\xC3\xBC"};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const bool bytes = round % 4 == 0;
    for (std::uint32_t n = random() % 40; n > 0; --n)
      text += bytes ? std::string(1, static_cast<char>(random()))
                    : pieces[random() % std::size(pieces)];
    INFO("text " << text);
    const std::string message = refusal(text);
    if (!message.empty()) REQUIRE_THAT(message, Catch::StartsWith("a.yaml:"));
  }
}
