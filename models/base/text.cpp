#include "models/base/text.h"

#include <algorithm>

namespace corank {
namespace {

constexpr std::size_t kLongestWord = 500, kLongestLine = 1900;

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

/// Of one UTF-8 sequence: ASCII's control characters and those of ISO 6429 (U+0080 to U+009F).
bool is_control(std::string_view sequence) {
  const unsigned char lead = byte_at(sequence, 0);
  return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && byte_at(sequence, 1) < 0xA0);
}

/// What was found is at the end of a message, what it is about at its beginning.
std::string cut_in_middle(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  constexpr std::string_view kEllipsis = "...";
  std::size_t head = (most - kEllipsis.size()) / 2;
  std::size_t tail = text.size() - head;
  while (head > 0 && is_continuation(byte_at(text, head))) --head;
  while (tail < text.size() && is_continuation(byte_at(text, tail))) ++tail;
  return std::string(text.substr(0, head)).append(kEllipsis).append(text.substr(tail));
}

std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const std::string_view sequence = text.substr(i, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(sequence))
      shown += '?';
    else
      shown.append(sequence);
    i += sequence.size();
  }
  return shown;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(byte_at(text, i))) return 0;
  // Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
  const unsigned char second = byte_at(text, 1);
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return length;
}

std::string as_line(std::string_view text) {
  const std::string shown = printable(text);
  std::string line;
  for (std::size_t begin = 0; begin <= shown.size();) {
    const std::size_t end = std::min(shown.find(' ', begin), shown.size());
    if (begin > 0) line += ' ';
    line += cut_in_middle(std::string_view(shown).substr(begin, end - begin), kLongestWord);
    begin = end + 1;
  }
  return cut_in_middle(line, kLongestLine);
}

}  // namespace corank
