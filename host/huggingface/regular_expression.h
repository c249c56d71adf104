// Regular expressions as PEFT's configurations use them: Python's `re`, by PCRE2.
//
// The two agree on what module patterns are made of (classes, groups, look-around, named groups,
// lazy and possessive quantifiers). `{,n}` differs: a quantifier in Python, plain text in PCRE2 up
// to 10.42; it is refused.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corank {

class RegularExpression {
 public:
  /// Throws InputError, beginning with `where`, for an invalid pattern.
  RegularExpression(const std::string& pattern, const std::string& where);

  /// re.fullmatch: the groups (the first one is the whole match; "" for one that did not take
  /// part), or nothing. Throws InputError where the match costs too much (catastrophic
  /// backtracking).
  std::optional<std::vector<std::string>> full_match(const std::string& text) const;
  /// re.match: anchored at the beginning only.
  std::optional<std::vector<std::string>> match(const std::string& text) const;
  /// The group of this name in match(), or nothing if there is no match.
  std::optional<std::string> match_group(const std::string& text, const char* name) const;

 private:
  struct Code;
  std::optional<std::vector<std::string>> run(const std::string& text, unsigned options) const;
  std::shared_ptr<const Code> code_;
  std::string pattern_, where_;
};

}  // namespace corank
