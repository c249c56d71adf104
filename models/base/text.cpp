#include "models/base/text.h"

#include <algorithm>

namespace corank {
namespace {

std::string escape_of(unsigned char byte) {
  if (byte == '\n') return "\\n";
  if (byte == '\r') return "\\r";
  if (byte == '\t') return "\\t";
  const char* digits = "0123456789abcdef";
  return {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
}

/// Bytes of UTF-8 that only go on with a character.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

std::string printable(const std::string& text, std::size_t most) {
  std::string line;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7F)
      line += escape_of(value);
    else
      line += byte;
  }
  if (line.size() <= most) return line;
  const std::string gap = " ... ";
  std::size_t head = most > gap.size() ? (most - gap.size()) / 2 : 0;
  std::size_t tail = line.size() - head;
  while (head > 0 && continues(line[head])) --head;
  while (tail < line.size() && continues(line[tail])) ++tail;
  return line.substr(0, head) + gap + line.substr(tail);
}

std::string quote(const std::string& name) { return "'" + printable(name, 120) + "'"; }

std::string quote_list(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 10;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    list += (i > 0 ? ", " : "") + quote(names[i]);
  if (names.size() > kMost) list += " and " + std::to_string(names.size() - kMost) + " more";
  return list;
}

}  // namespace corank
