#include "models/base/text.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

using namespace corank;

TEST_CASE("a message shows control characters and bytes that are no UTF-8 as question marks") {
  CHECK(as_line("tensor 'a\nb': \x1B[31m\x7F, found \t") == "tensor 'a?b': ?[31m?, found ?");
  CHECK(as_line("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  // Cut, overlong, a surrogate, beyond U+10FFFF, a control character of ISO 6429.
  CHECK(as_line("\xC3") == "?");
  CHECK(as_line("\xC0\xAF") == "??");
  CHECK(as_line("\xED\xA0\x80") == "???");
  CHECK(as_line("\xF4\x90\x80\x80") == "????");
  CHECK(as_line("\xC2\x9B"
                "31m") == "?31m");
  CHECK(as_line(std::string("a\0b", 3)) == "a?b");
  CHECK(as_line("").empty());
  CHECK(as_line("  two  blanks ") == "  two  blanks ");
}

TEST_CASE("a message keeps beginning and end of what is too long for it") {
  const std::string word = std::string(400, 'a') + std::string(400, 'z');
  CHECK(as_line("tensor " + word + ": expected one") ==
        "tensor " + std::string(248, 'a') + "..." + std::string(247, 'z') + ": expected one");
  CHECK(as_line(std::string(500, 'a')) == std::string(500, 'a'));

  std::string shape = "x: expected [2], found [1";
  for (int i = 0; i < 3000; ++i) shape += ", 1";
  const std::string line = as_line(shape + "]");
  CHECK(line.size() == 1899);
  CHECK(line.substr(0, 27) == "x: expected [2], found [1, ");
  CHECK(line.substr(line.size() - 4) == ", 1]");
}

TEST_CASE("what is cut stays UTF-8") {
  std::string word;
  for (int i = 0; i < 400; ++i) word += "\xE2\x82\xAC";  // three bytes each
  const std::string line = as_line(word);
  CHECK(line.size() == 3 * 82 + 3 + 3 * 82);  // at most 248 bytes on each side
  CHECK(as_line(line) == line);
}

TEST_CASE("an input error is one line, whatever the user's text in it") {
  CHECK(std::string(InputError({"a.yaml", 3, 4}, "found 'x\ny'").what()) ==
        "a.yaml:3:4: found 'x?y'");
  CHECK(std::string(InputError(std::string(5000, '/') + ": cannot be read").what()).size() < 600);
}
