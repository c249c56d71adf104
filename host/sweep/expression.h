// Arithmetic over the keys of a configuration, as a sweep's file has it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/base/error.h"

namespace corank {

/// A formula over names like accelerator.array.rows: numbers, the operators + - * / ^ ( ) < <= > >=
/// == != && || and ?:, and functions such as min, max, abs, log2, sqrt, floor, ceil and mod. What
/// is true is 1, what is false 0.
class Expression {
 public:
  /// Throws InputError at `where` for what is no such formula; `path` is whose it is.
  Expression(const std::string& text, const std::string& path, const SourceLocation& where);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  const std::string& text() const;
  /// The names that it needs, each once.
  const std::vector<std::string>& names() const;
  /// Of these values, in the order of the names. Throws InputError where that is no finite number.
  double value(const std::vector<double>& values) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace corank
