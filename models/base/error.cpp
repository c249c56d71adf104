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

std::string bounded_message(const std::string& message) {
  std::string text;
  // Lines of a message are the program's own; names in them are quoted before.
  for (std::size_t begin = 0; begin <= message.size();) {
    const std::size_t end = std::min(message.find('\n', begin), message.size());
    text += (begin > 0 ? "\n" : "") + printable(message.substr(begin, end - begin), 1500);
    begin = end + 1;
  }
  return text;
}

}  // namespace corank
