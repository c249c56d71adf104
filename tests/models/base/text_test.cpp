#include "models/base/text.h"

#include <catch2/catch.hpp>
#include <string>

#include "models/base/error.h"

using namespace corank;

TEST_CASE("Control characters of a text are written as escapes") {
  CHECK(printable("plain, with \xC3\xA9", 80) == "plain, with \xC3\xA9");
  CHECK(printable(std::string("a\0b\n\r\t\x1B[31m\x7F", 12), 80) ==
        "a\\x00b\\n\\r\\t\\x1b[31m\\x7f");
  CHECK(quote("it") == "'it'");
}

TEST_CASE("Bytes that are no UTF-8, and control characters beyond ASCII, are written as escapes") {
  CHECK(printable("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 80) ==
        "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  // Cut, overlong, a surrogate, beyond U+10FFFF, a control character of ISO 6429.
  CHECK(printable("\xC3", 80) == "\\xc3");
  CHECK(printable("\xC0\xAF", 80) == "\\xc0\\xaf");
  CHECK(printable("\xED\xA0\x80", 80) == "\\xed\\xa0\\x80");
  CHECK(printable("\xF4\x90\x80\x80", 80) == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xC2\x9B"
                  "31m",
                  80) == "\\xc2\\x9b31m");
  CHECK(printable("", 80).empty());
}

TEST_CASE("The middle of a long text is left out, between whole characters") {
  CHECK(printable("0123456789", 10) == "0123456789");
  CHECK(printable("0123456789a", 9) == "01 ... 9a");
  CHECK(printable("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 8) == " ... ");  // 1 byte each side
  CHECK(quote(std::string(5000, 'x')).size() <= 122);
}

TEST_CASE("A list of names is short") {
  CHECK(quote_list({}) == "");
  CHECK(quote_list({"a", "b"}) == "'a', 'b'");
  CHECK(quote_list(std::vector<std::string>(12, "a")) ==
        "'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a' and 2 more");
}

TEST_CASE("No error's message is cut at a NUL or goes on without end") {
  CHECK(std::string(InputError(std::string("a\0b", 3)).what()) == "a\\x00b");
  CHECK(std::string(InputError({"a.yaml", 3, 4}, "found 'x\ny'").what()) ==
        "a.yaml:3:4: found 'x\\ny'");
  CHECK(std::string(MachineError("two\nlines\x01").what()) == "two\nlines\\x01");
  const std::string message =
      InputError({std::string(5000, 'p'), 3, 4}, "cannot be read: no such file").what();
  CHECK(message.size() <= 1500);
  CHECK(message.substr(0, 3) == "ppp");
  CHECK(message.substr(message.size() - 34) == ":3:4: cannot be read: no such file");
}
