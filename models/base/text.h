// Texts of others in messages of ours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace corank {

/// Length of the UTF-8 sequence (RFC 3629) at the beginning of `text`; 0 if it is none.
std::size_t utf8_length(std::string_view text);

/// One line that any terminal can show, of at most 1,900 bytes: control characters and what is no
/// UTF-8 become '?'; a word of more than 500 bytes, and the line, are cut in their middle ("...").
std::string as_line(std::string_view text);

}  // namespace corank
