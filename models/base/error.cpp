#include "models/base/error.h"

#include <algorithm>

#include "models/base/text.h"

namespace corank {

std::string to_string(const SourceLocation& location) {
  std::string text = location.file;
  if (location.line > 0) text += ":" + std::to_string(location.line);
  if (location.line > 0 && location.column > 0) text += ":" + std::to_string(location.column);
  return text;
}

std::string message_line(const std::string& message) {
  constexpr std::size_t kMostBytes = 1500;
  return printable(message, kMostBytes);
}

std::string message_lines(const std::string& message) {
  std::string text;
  for (std::size_t begin = 0; begin <= message.size();) {
    const std::size_t end = std::min(message.find('\n', begin), message.size());
    text += (begin > 0 ? "\n" : "") + message_line(message.substr(begin, end - begin));
    begin = end + 1;
  }
  return text;
}

}  // namespace corank
