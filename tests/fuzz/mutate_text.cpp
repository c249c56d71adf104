#include <algorithm>
#include <array>
#include <cctype>

#include "tests/fuzz/mutate.h"

namespace corank::fuzz {
namespace {

using draw::one_of;
using Tokens = std::vector<std::string>;

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || byte >= 0x80 || c == '_' || c == '.' || c == '-' || c == '+';
}

bool is_value(const std::string& token) {
  return in_word(token.front()) || token.front() == '"' || token.front() == '\'';
}

/// Where the token that begins at `at` ends: a text in quotes, a word, a run of blanks, or a sign.
std::size_t end_of_token(const std::string& text, std::size_t at) {
  std::size_t end = at + 1;
  if (text[at] == '"' || text[at] == '\'') {
    while (end < text.size() && text[end] != text[at]) end += text[end] == '\\' ? 2 : 1;
    return std::min(end + 1, text.size());
  }
  if (in_word(text[at])) {
    while (end < text.size() && in_word(text[end])) ++end;
  } else if (text[at] == ' ') {
    while (end < text.size() && text[end] == ' ') ++end;
  }
  return end;
}

Tokens tokens_of(const std::string& text) {
  Tokens tokens;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_token(text, at);
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

Tokens lines_of(const std::string& text) {
  Tokens lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

std::string joined(const Tokens& parts) {
  std::string text;
  for (const std::string& part : parts) text += part;
  return text;
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string text;
  text.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

/// A word or a text in quotes; null where there is none.
std::string* any_value(Random& random, Tokens& tokens) {
  std::vector<std::string*> values;
  for (std::string& token : tokens)
    if (is_value(token)) values.push_back(&token);
  return values.empty() ? nullptr : one_of(random, values);
}

/// A number a little or much changed; what is no number becomes one.
std::string other_number(Random& random, const std::string& number) {
  constexpr std::array<const char*, 9> kEndings = {"0",   "1", ".5", "e3", "e-3",
                                                   "e99", "x", "_",  "%"};
  switch (random() % 4) {
    case 0:
      return number + one_of(random, kEndings);
    case 1:
      return "-" + number;
    case 2:
      return number.size() > 1 ? number.substr(0, number.size() / 2) : "3";
    default:
      return std::to_string(draw::between(random, 0, 1 << random() % 20));
  }
}

void change_value(Random& random, std::string& text) {
  Tokens tokens = tokens_of(text);
  std::string* value = any_value(random, tokens);
  if (value == nullptr) return;
  const bool number = std::isdigit(static_cast<unsigned char>(value->front())) != 0;
  *value = number && percent(random, 50) ? other_number(random, *value) : odd_scalar(random);
  text = joined(tokens);
}

/// Cuts, copies or exchanges parts of a list.
void rearrange(Random& random, Tokens& parts) {
  if (parts.empty()) return;
  const auto place = [&] { return static_cast<std::ptrdiff_t>(random() % parts.size()); };
  const auto first = place();
  const auto count = std::min<std::ptrdiff_t>(1 + static_cast<std::ptrdiff_t>(random() % 6),
                                              static_cast<std::ptrdiff_t>(parts.size()) - first);
  const auto begin = parts.begin() + first;
  switch (random() % 3) {
    case 0:
      parts.erase(begin, begin + count);
      break;
    case 1: {
      const Tokens copy(begin, begin + count);
      parts.insert(parts.begin() + place(), copy.begin(), copy.end());
      break;
    }
    default:
      std::swap(*begin, parts[static_cast<std::size_t>(place())]);
  }
}

void rearrange_tokens(Random& random, std::string& text) {
  Tokens tokens = tokens_of(text);
  rearrange(random, tokens);
  text = joined(tokens);
}

void rearrange_lines(Random& random, std::string& text) {
  Tokens lines = lines_of(text);
  rearrange(random, lines);
  text = joined(lines);
}

void misspell(Random& random, std::string& text) {
  Tokens tokens = tokens_of(text);
  std::string* word = any_value(random, tokens);
  if (word == nullptr) return;
  const std::size_t at = random() % word->size();
  if (percent(random, 50))
    word->erase(at, 1);
  else
    word->insert(at, 1, static_cast<char>('a' + random() % 26));
  text = joined(tokens);
}

void nest(Random& random, std::string& text) {
  constexpr std::array<const char*, 4> kOpen = {"[", "{a: ", "{\"a\": ", "- "};
  constexpr std::array<const char*, 4> kClose = {"]", "}", "}", ""};
  constexpr std::array<std::size_t, 6> kDepths = {1, 2, 60, 400, 3000, 50000};
  Tokens tokens = tokens_of(text);
  std::string* value = any_value(random, tokens);
  if (value == nullptr) return;
  const std::size_t kind = random() % kOpen.size();
  const std::size_t depth = one_of(random, kDepths);
  const std::size_t closed = percent(random, 80) ? depth : depth / 2;
  *value = repeated(kOpen[kind], depth) + *value + repeated(kClose[kind], closed);
  text = joined(tokens);
}

/// Puts what only some dialect of YAML or JSON takes in front of a value.
void put_syntax(Random& random, std::string& text) {
  constexpr std::array<const char*, 24> kSyntax = {
      "&a ", "*a ", "!!int ", "!!binary ", "!t ",         "<<: ",        "? ",   "| ",
      "> ",  "- ",  "---\n",  "...\n",     "%YAML 1.1\n", "# ",          "\t",   ",",
      ":",   "@",   "`",      "// ",       "\"\\u0000\"", "\"\\ud800\"", "NaN ", "\n"};
  Tokens tokens = tokens_of(text);
  std::string* value = any_value(random, tokens);
  if (value == nullptr) return;
  value->insert(0, one_of(random, kSyntax));
  text = joined(tokens);
}

/// Nine aliases of nine aliases ..., which some readers expand.
std::string many_aliases() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1) + ", ";
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeated(alias, 8) +
            alias.substr(0, 3) + "]\n";
  }
  return text;
}

std::string with_line_ends(const std::string& text, const std::string& end) {
  std::string changed;
  for (const char c : text) changed += c == '\n' ? end : std::string(1, c);
  return changed;
}

std::string as_utf16(const std::string& text) {
  std::string wide = "\xFF\xFE";
  for (const char c : text) wide += std::string(1, c) + '\0';
  return wide;
}

void change_encoding(Random& random, std::string& text) {
  const std::array<std::string, 12> characters = {std::string(1, '\0'),
                                                  "\x01",
                                                  "\x1B[31m",
                                                  "\x7F",
                                                  "\x80",
                                                  "\xC0\xAF",
                                                  "\xED\xA0\x80",
                                                  "\xF8\x88\x80",
                                                  "\xC2\x85",
                                                  "\xE2\x80\xA8",
                                                  "\xEF\xBB",
                                                  "\xF4\x90\x80\x80"};
  switch (random() % 10) {
    case 0:
      text.insert(0, "\xEF\xBB\xBF");
      break;
    case 1:
      text = with_line_ends(text, "\r\n");
      break;
    case 2:
      text = with_line_ends(text, "\r");
      break;
    case 3:
      text = as_utf16(text);
      break;
    case 4:
      text = percent(random, 50) ? "" : " \n\n";
      break;
    case 5:
      text += many_aliases();
      break;
    default:
      text.insert(random() % (text.size() + 1), one_of(random, characters));
  }
}

}  // namespace

std::string odd_scalar(Random& random) {
  constexpr std::array<const char*, 46> kScalars = {"-1",
                                                    "0",
                                                    "1",
                                                    "2",
                                                    "3",
                                                    "7",
                                                    "64",
                                                    "1000",
                                                    "65536",
                                                    "-0",
                                                    "0.5",
                                                    "-0.0",
                                                    "1e999",
                                                    "-1e999",
                                                    "1e-999",
                                                    "1e308",
                                                    "4.9e-324",
                                                    ".nan",
                                                    ".inf",
                                                    "nan",
                                                    "NaN",
                                                    "inf",
                                                    "-Infinity",
                                                    "2147483647",
                                                    "2147483648",
                                                    "4294967296",
                                                    "9223372036854775807",
                                                    "9223372036854775808",
                                                    "18446744073709551616",
                                                    "0x10",
                                                    "0o17",
                                                    "1_000",
                                                    "1,5",
                                                    "+1",
                                                    "\"1\"",
                                                    "\"\"",
                                                    "''",
                                                    "null",
                                                    "~",
                                                    "true",
                                                    "no",
                                                    "[]",
                                                    "{}",
                                                    "[1, 2]",
                                                    "{a: 1}",
                                                    "\"\\u00e4\\n\""};
  switch (random() % 20) {
    case 0:
      return std::string(std::size_t{1} << random() % 18, 'x');
    case 1:
      return repeated("9", std::size_t{1} << random() % 12);
    default:
      return one_of(random, kScalars);
  }
}

void mutate_text(Random& random, std::string& text) {
  constexpr std::array<void (*)(Random&, std::string&), 12> kChanges = {
      change_value,     change_value, change_value,     change_value,
      rearrange_tokens, misspell,     rearrange_tokens, nest,
      rearrange_lines,  put_syntax,   mutate_bytes,     change_encoding};
  one_of(random, kChanges)(random, text);
}

}  // namespace corank::fuzz
