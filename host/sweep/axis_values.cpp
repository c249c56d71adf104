#include "host/sweep/axis_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "host/config/config.h"
#include "host/config/schema.h"
#include "host/sweep/sweep_file.h"

namespace corank {
namespace {

constexpr std::size_t kMostValues = 100000;
// Of a range's last value: what rounding may have added to it.
constexpr double kEndRounding = 1e-9;

struct Range {
  double from = 0, to = 0, times = 0, step = 0;
};

NumberRange any_number() {
  NumberRange range;
  range.least = -std::numeric_limits<double>::infinity();
  return range;
}

Range read_range(const YamlNode& node, const std::string& path) {
  Range range;
  NumberRange above_one{1}, above_zero;
  above_one.least_included = above_zero.least_included = false;
  read_mapping({required(number("from", range.from, any_number(), "", "the first value")),
                required(number("to", range.to, any_number(), "", "the last value, at most")),
                number("times", range.times, above_one, "", "factor to the next one"),
                number("step", range.step, above_zero, "", "difference to the next one")},
               node, path);
  const bool geometric = find(node, "times") != nullptr;
  if (geometric == (find(node, "step") != nullptr))
    refuse(node, path, "a range with either 'times' or 'step'");
  if (range.from > range.to)
    throw InputError(
        find(node, "from")->where,
        fmt::format("{}: expected a range from at most {} ('to'), found {}: it is empty", path,
                    range.to, range.from));
  if (geometric && range.from <= 0)
    throw InputError(find(node, "from")->where,
                     fmt::format("{}: expected a range with 'times' that begins above 0, found {}",
                                 path, range.from));
  return range;
}

std::vector<std::string> values_of(const Range& range, const YamlNode& node,
                                   const std::string& path) {
  std::vector<std::string> values;
  const double most = range.to + kEndRounding * std::abs(range.to);
  for (std::size_t i = 0;; ++i) {
    const auto n = static_cast<double>(i);
    const double value =
        range.times > 0 ? range.from * std::pow(range.times, n) : range.from + n * range.step;
    if (value > most) return values;
    if (values.size() == kMostValues)
      throw InputError(
          node.where, fmt::format("{}: expected at most {} values, found more", path, kMostValues));
    values.push_back(number_text(value));
  }
}

bool is_path(const Key& key, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.text.empty()) return false;
  if (key.may_be_file) return key.word.empty() || node.text != key.word;
  return key.type == "path";
}

std::string quoted_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text)
    quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "\"";
}

std::string scalar_text(const YamlNode& node) {
  return node.quoted ? quoted_text(node.text) : node.text;
}

// YAML on one line, for load_config.
std::string flow_text(const Key& key, const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      if (is_path(key, node)) return resolve_path(node);
      return scalar_text(node);
    case YamlNode::Kind::kList:
      for (const YamlNode& item : node.items) {
        const bool path = key.type == "list of paths" && item.kind == YamlNode::Kind::kScalar;
        text += (text.empty() ? "" : ", ") + (path ? resolve_path(item) : flow_text(key, item));
      }
      return "[" + text + "]";
    case YamlNode::Kind::kMapping:
      for (const YamlEntry& entry : node.entries) {
        const Key& below = key_at(key.keys, entry.key, entry.where);
        text += (text.empty() ? "" : ", ") + entry.key + ": " + flow_text(below, entry.value);
      }
      return "{" + text + "}";
  }
  return "";  // not reached: every kind stands above
}

// As a table shows it.
std::string shown_text(const Key& key, const YamlNode& node) {
  return node.kind == YamlNode::Kind::kScalar ? node.text : flow_text(key, node);
}

std::string setting_of(const ConfigKey& key, const std::string& path, const YamlNode& value) {
  key.check(value);
  return path + "=" + flow_text(key.key(), value);
}

void check_values(const AxisValues& values, const YamlNode& node) {
  if (values.settings.empty())
    throw InputError(node.where, values.axis.path + ": expected at least one value, found none");
  std::set<std::string> seen;
  for (const std::string& setting : values.settings)
    if (!seen.insert(setting).second)
      throw InputError(node.where, fmt::format("{}: the value {} is given twice", values.axis.path,
                                               excerpt(setting.substr(setting.find('=') + 1))));
}

}  // namespace

std::string number_text(double value) {
  constexpr double kWhole = 1e15;
  if (value == std::floor(value) && std::abs(value) < kWhole)
    return std::to_string(static_cast<long long>(value));
  return fmt::format("{:.12g}", value);
}

std::optional<double> number_of(const std::string& value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (value.empty() || stop != end || error != std::errc() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::string setting_of(const YamlEntry& entry) {
  return setting_of(ConfigKey(entry.key, entry.where), entry.key, entry.value);
}

AxisValues read_axis(const YamlEntry& entry) {
  const std::string& path = entry.key;
  const ConfigKey key(path, entry.where);
  AxisValues values;
  values.axis.path = path;
  const auto add = [&](const YamlNode& value) {
    values.axis.values.push_back(shown_text(key.key(), value));
    values.settings.push_back(setting_of(key, path, value));
  };
  if (entry.value.kind == YamlNode::Kind::kMapping) {
    for (const std::string& text : values_of(read_range(entry.value, path), entry.value, path)) {
      YamlNode node;
      node.kind = YamlNode::Kind::kScalar;
      node.where = entry.value.where;
      node.text = text;
      add(node);
    }
  } else if (entry.value.kind == YamlNode::Kind::kList) {
    for (const YamlNode& item : entry.value.items) add(item);
  } else {
    refuse(entry.value, path, "a list of values or a range with from, to and times or step");
  }
  check_values(values, entry.value);
  values.axis.numeric =
      std::all_of(values.axis.values.begin(), values.axis.values.end(),
                  [](const std::string& value) { return number_of(value).has_value(); });
  return values;
}

}  // namespace corank
