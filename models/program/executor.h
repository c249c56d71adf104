// Whoever executes a training program, step by step.
#pragma once

#include <set>
#include <string>

#include "models/program/training_program.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

struct ExecutedStep {
  bool stopped = false;  // given up before its end: no results
  TensorMap results;     // those that were asked for, by name
};

class Executor {
 public:
  virtual ~Executor() = default;

  /// Takes what is given once: frozen and trained values and the optimizer's states, by name (more
  /// may be there), and `packed` the frozen weights that have a storage format. Both stay as they
  /// are, and where they are until the last step. Throws InputError for what is missing or does not
  /// fit.
  virtual void load(const TensorMap& values, const QuantizedMap& packed) = 0;
  /// The same of a program in which nothing is packed.
  void load(const TensorMap& values) {
    static const QuantizedMap kNone;
    load(values, kNone);
  }

  /// Carries out a step with what is fed, by name: everything that is_fed(). The states go on to
  /// their next values. `asked` are values of the role kResult; the next value of a state is asked
  /// for by its own name. Throws InputError, and MachineError for a fault of the machine.
  virtual ExecutedStep step(const TensorMap& feeds, const std::set<std::string>& asked) = 0;

  /// States, trained values among them, as they are now, by their names.
  virtual TensorMap read(const std::set<std::string>& states) = 0;
};

}  // namespace corank
