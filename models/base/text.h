// Text of a user's (names, paths, values) made fit for a message.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace corank {

/// The text with control characters written as escapes ("\n", "\x00"), so that it stays on one line
/// and is not cut at a NUL. Beyond `most` bytes its middle is replaced by " ... ".
std::string printable(const std::string& text, std::size_t most);

/// A name in single quotes, printable and short.
std::string quote(const std::string& name);
/// "'a', 'b'"; of more than 10 names the first and "and N more".
std::string quote_list(const std::vector<std::string>& names);

}  // namespace corank
