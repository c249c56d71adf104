// Text of a user's (names, paths, values) made fit for a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace corank {

/// Length of the UTF-8 sequence (RFC 3629) at the beginning of `text`; 0 if it is none.
std::size_t utf8_length(std::string_view text);

/// The text with control characters, and bytes that are no UTF-8, written as escapes ("\n",
/// "\x00"), so that it stays on one line, any terminal can show it and it is not cut at a NUL.
/// Beyond `most` bytes its middle is replaced by " ... ".
std::string printable(std::string_view text, std::size_t most);

bool ends_with(std::string_view text, std::string_view suffix);

/// A number in at most 12 characters, like 0.5 or 1e+300.
std::string short_number(double number);

/// A name in single quotes, printable and short.
std::string quote(const std::string& name);
/// "'a', 'b'"; of more than 10 names the first and "and N more".
std::string quote_list(const std::vector<std::string>& names);

/// As a shell takes it for one word.
std::string shell_word(const std::string& word);

}  // namespace corank
