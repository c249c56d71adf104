#include "host/huggingface/regular_expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {

struct RegularExpression::Code {
  pcre2_code* code = nullptr;
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
};

RegularExpression::RegularExpression(const std::string& pattern, const std::string& where)
    : pattern_(pattern), where_(where) {
  if (pattern.find("{,") != std::string::npos)
    throw InputError(where + ": the regular expression " + quote(pattern) +
                     " has '{,'; expected '{0,' where a quantifier is meant");
  int error = 0;
  PCRE2_SIZE offset = 0;
  // DOLLAR_ENDONLY would be stricter than Python's $; module names have no newlines, so the plain
  // meaning is the same.
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_UTF, &error, &offset, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR text[256] = {};
    pcre2_get_error_message(error, text, sizeof text);
    throw InputError(where + ": " + quote(pattern) + " is no regular expression: at character " +
                     std::to_string(offset) + ": " + reinterpret_cast<const char*>(text));
  }
  code_ = std::make_shared<const Code>(code);
}

std::optional<std::vector<std::string>> RegularExpression::run(const std::string& text,
                                                               unsigned options) const {
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create_from_pattern(code_->code, nullptr), pcre2_match_data_free);
  const int count = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                0, options, data.get(), nullptr);
  if (count == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (count < 0)
    throw InputError(where_ + ": the regular expression " + quote(pattern_) +
                     " cannot be matched against " + quote(text) + " (PCRE2 error " +
                     std::to_string(count) + ")");
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
  std::vector<std::string> groups;
  for (int i = 0; i < count; ++i) {
    const PCRE2_SIZE begin = bounds[2 * i], end = bounds[2 * i + 1];
    groups.push_back(begin == PCRE2_UNSET ? "" : text.substr(begin, end - begin));
  }
  return groups;
}

std::optional<std::vector<std::string>> RegularExpression::full_match(
    const std::string& text) const {
  return run(text, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

std::optional<std::vector<std::string>> RegularExpression::match(const std::string& text) const {
  return run(text, PCRE2_ANCHORED);
}

std::optional<std::string> RegularExpression::match_group(const std::string& text,
                                                          const char* name) const {
  const auto groups = match(text);
  if (!groups) return std::nullopt;
  const int number =
      pcre2_substring_number_from_name(code_->code, reinterpret_cast<PCRE2_SPTR>(name));
  return number < 0 ? "" : groups->at(static_cast<std::size_t>(number));
}

}  // namespace corank
