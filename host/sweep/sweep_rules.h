// The formulas of a sweep, evaluated for a design at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/expression.h"
#include "host/sweep/sweep_file.h"

namespace corank {

class SweepRules {
 public:
  /// Throws InputError for an expression that is none and for a name that nothing has.
  explicit SweepRules(const SweepFile& sweep);

  /// The values of the derived keys. Throws InputError where one is no number.
  std::vector<double> derived(const std::vector<std::size_t>& places) const;

  /// Figures in the order of kSweepFigureNames; behind them FpgaFigures.
  using Figures =
      std::array<double, kSweepFigureNames.size() + std::tuple_size<FpgaFigures>::value>;

  /// When a constraint can be asked: of keys alone; with the figures of the machine; when the
  /// commands are there.
  enum class Stage { kKeys, kMachine, kCompiled };

  /// The first constraint of a stage that a design breaks, by its place among the sweep's.
  std::optional<std::size_t> broken(Stage stage, const std::vector<std::size_t>& places,
                                    const std::vector<double>& derived,
                                    const Figures& figures) const;

 private:
  /// Where a formula's value comes from.
  struct Source {
    enum class Kind { kAxis, kDerived, kFigure } kind = Kind::kAxis;
    std::size_t place = 0;
  };
  struct Rule {
    Expression expression;
    std::vector<Source> sources;
    Stage stage = Stage::kKeys;
  };

  Rule rule_of(const SweepExpression& expression, const std::string& path, std::size_t derived,
               bool figures) const;
  double evaluate(const Rule& rule, const std::vector<std::size_t>& places,
                  const std::vector<double>& derived, const Figures& figures) const;

  std::vector<std::string> axes_, derived_names_, figures_;
  std::vector<std::vector<double>> numbers_;  // by numeric axis and value
  std::vector<Rule> derived_, constraints_;
};

}  // namespace corank
