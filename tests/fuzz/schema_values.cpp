#include "tests/fuzz/schema_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "host/config/config.h"
#include "tests/fuzz/mutate.h"

namespace corank::fuzz {
namespace {

using draw::one_of;

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.rfind(beginning, 0) == 0;
}

std::vector<SchemaKey> read_schema() {
  std::vector<SchemaKey> keys;
  std::istringstream lines(describe_schema());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.empty() || line.front() == ' ' || colon == std::string::npos) continue;
    const std::string type = line.substr(colon + 2, line.find(';') - colon - 2);
    if (!begins_with(type, "mapping")) keys.push_back({line.substr(0, colon), type});
  }
  return keys;
}

/// The numbers in a text, in their order; "1..32" are two.
std::vector<double> numbers_in(const std::string& text) {
  std::vector<double> numbers;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    const bool dots = c == '.' && i + 1 < text.size() && text[i + 1] == '.';
    const bool exponent = (c == 'e' || c == '+' || c == '-') && !word.empty();
    if (!dots && (std::isdigit(static_cast<unsigned char>(c)) != 0 || exponent ||
                  (c == '.' && !word.empty()))) {
      word += c;
      continue;
    }
    if (!word.empty() && word != ".") numbers.push_back(std::strtod(word.c_str(), nullptr));
    word.clear();
  }
  return numbers;
}

struct Range {
  double least, most;
};

Range range_of(const std::string& type) {
  const std::vector<double> numbers = numbers_in(type);
  const double least = numbers.empty() ? 0 : numbers[0];
  return {least, numbers.size() > 1 ? numbers[1] : 1e6};
}

std::string draw_integer(Random& random, const std::string& type) {
  const Range range = range_of(type);
  const auto least = static_cast<std::int64_t>(range.least);
  const auto most = static_cast<std::int64_t>(range.most);
  if (percent(random, 10)) return std::to_string(percent(random, 50) ? least : most);
  if (type.find("power of two") != std::string::npos) {
    std::int64_t value = least;
    while (value * 2 <= most && percent(random, 60)) value *= 2;
    return std::to_string(value);
  }
  const std::int64_t some = std::int64_t{1} << random() % 12;
  return std::to_string(draw::between(random, least, std::min(most, least + some)));
}

std::string draw_number(Random& random, const std::string& type) {
  const Range range = range_of(type);
  if (percent(random, 10)) return fmt::format("{}", percent(random, 50) ? range.least : range.most);
  const double part = static_cast<double>(random() % 1000 + 1) / 1001;
  // Evenly over the magnitudes, as what is measured in ns and GB/s lies.
  const double low = std::max(range.least, range.most * 1e-6);
  return fmt::format("{:.6g}", low * std::pow(range.most / low, part));
}

std::string draw_choice(Random& random, std::string type) {
  type.erase(0, std::string("one of ").size());
  std::vector<std::string> options;
  std::istringstream words(type);
  for (std::string word; std::getline(words, word, ',');)
    options.push_back(word.substr(word.find_first_not_of(' ')));
  return one_of(random, options);
}

std::string draw_valid(Random& random, const std::string& type) {
  if (begins_with(type, "integer")) return draw_integer(random, type);
  if (begins_with(type, "number")) return draw_number(random, type);
  if (begins_with(type, "list of two numbers"))
    return "[" + draw_number(random, type) + ", " + draw_number(random, type) + "]";
  if (begins_with(type, "one of ")) return draw_choice(random, type);
  if (begins_with(type, "true or false")) return percent(random, 50) ? "true" : "false";
  constexpr std::array<const char*, 6> kTexts = {"\"\"",         "a",          "q_proj", ".",
                                                 "missing.yaml", "config.yaml"};
  const std::string text = one_of(random, kTexts);
  return begins_with(type, "list") ? "[" + text + "]" : text;
}

std::string draw_beside(Random& random, const std::string& type) {
  const Range range = range_of(type);
  return fmt::format("{}", percent(random, 50) ? range.least - 1 : range.most + 1);
}

}  // namespace

const std::vector<SchemaKey>& schema_keys() {
  static const std::vector<SchemaKey> keys = read_schema();
  return keys;
}

std::string draw_value(Random& random, const std::string& type, int percent_valid) {
  if (percent(random, percent_valid)) return draw_valid(random, type);
  return percent(random, 40) ? draw_beside(random, type) : odd_scalar(random);
}

std::string to_yaml(const Settings& settings, const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + ".";
  std::string text, open;  // open: the mappings that the last line lies in, "a.b."
  for (const auto& [key, value] : settings) {
    if (!begins_with(key, prefix)) continue;
    const std::string name = key.substr(prefix.size());
    const std::size_t last = name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1;
    std::size_t shared = 0;
    for (std::size_t i = 0; i < std::min(last, open.size()) && name[i] == open[i]; ++i)
      if (name[i] == '.') shared = i + 1;
    auto depth = static_cast<std::size_t>(
        std::count(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(shared), '.'));
    for (std::size_t at = shared; at < last; ++depth) {
      const std::size_t end = name.find('.', at);
      text += std::string(2 * depth, ' ') + name.substr(at, end - at) + ":\n";
      at = end + 1;
    }
    text += std::string(2 * depth, ' ') + name.substr(last) + ": " + value + "\n";
    open = name.substr(0, last);
  }
  return text;
}

}  // namespace corank::fuzz
