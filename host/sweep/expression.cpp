#include "host/sweep/expression.h"

#include <fmt/format.h>
#include <muParser.h>

#include <cmath>
#include <utility>

#include "host/config/yaml_tree.h"

namespace corank {

struct Expression::State {
  std::string text, path;
  SourceLocation where;
  mu::Parser parser;
  std::vector<std::string> names;
  std::vector<double> values;  // what the parser reads
};

namespace {

constexpr const char* kNameCharacters =
    "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.";

std::string lead_of(const std::string& path) { return path.empty() ? "" : path + ": "; }

[[noreturn]] void refuse_text(const std::string& text, const std::string& path,
                              const SourceLocation& where, std::string why) {
  while (!why.empty() && (why.back() == '.' || why.back() == '\n')) why.pop_back();
  throw InputError(where, fmt::format("{}expected a formula of keys and numbers, found '{}': {}",
                                      lead_of(path), excerpt(text), why));
}

// The parser's assignment would change what it reads.
bool assigns(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    const bool compares = i > 0 && std::string("<>!=").find(text[i - 1]) != std::string::npos;
    const bool begins = i + 1 < text.size() && text[i + 1] == '=';
    if (!compares && !begins) return true;
  }
  return false;
}

double floor_of(double value) { return std::floor(value); }
double ceil_of(double value) { return std::ceil(value); }
double mod_of(double value, double by) { return std::fmod(value, by); }

}  // namespace

Expression::Expression(const std::string& text, const std::string& path,
                       const SourceLocation& where)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.text = text;
  state.path = path;
  state.where = where;
  if (assigns(text)) refuse_text(text, path, where, "equality is written as ==");
  try {
    state.parser.DefineNameChars(kNameCharacters);
    state.parser.DefineFun("floor", floor_of);
    state.parser.DefineFun("ceil", ceil_of);
    state.parser.DefineFun("mod", mod_of);
    state.parser.SetExpr(text);
    for (const auto& [name, value] : state.parser.GetUsedVar()) state.names.push_back(name);
    state.values.assign(state.names.size(), 1);
    for (std::size_t i = 0; i < state.names.size(); ++i)
      state.parser.DefineVar(state.names[i], &state.values[i]);
    int results = 0;
    state.parser.Eval(results);
    if (results != 1) refuse_text(text, path, where, "one value was expected");
  } catch (const mu::ParserError& error) {
    refuse_text(text, path, where, error.GetMsg());
  }
}

Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

const std::string& Expression::text() const { return state_->text; }

const std::vector<std::string>& Expression::names() const { return state_->names; }

double Expression::value(const std::vector<double>& values) const {
  state_->values.assign(values.begin(), values.end());
  double value = 0;
  try {
    value = state_->parser.Eval();
  } catch (const mu::ParserError& error) {
    refuse_text(state_->text, state_->path, state_->where, error.GetMsg());
  }
  if (std::isfinite(value)) return value;
  std::string of;
  for (std::size_t i = 0; i < values.size(); ++i)
    of += fmt::format("{}{} = {}", i == 0 ? " for " : ", ", state_->names[i], values[i]);
  refuse_text(state_->text, state_->path, state_->where, "it is no finite number" + of);
}

}  // namespace corank
