// The reference as an executor, in any of the numerics.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "models/numerics/numerics.h"
#include "models/program/executor.h"

namespace corank {

class ReferenceExecutor : public Executor {
 public:
  /// Keeps a reference to the program. `stop` is asked now and then whether to give a step up.
  ReferenceExecutor(const TrainingProgram& program, Numerics numerics,
                    std::function<bool()> stop = nullptr)
      : program_(program), numerics_(numerics), stop_(std::move(stop)) {}

  using Executor::load;
  void load(const TensorMap& values, const QuantizedMap& packed) override;
  ExecutedStep step(const TensorMap& feeds, const std::set<std::string>& asked) override;
  TensorMap read(const std::set<std::string>& states) override;

  /// The largest sum of the bytes of all values alive at one time, of all steps.
  std::int64_t peak_bytes() const { return peak_bytes_; }

 private:
  const TrainingProgram& program_;
  Numerics numerics_;
  std::function<bool()> stop_;
  const TensorMap* given_ = nullptr;
  const QuantizedMap* packed_ = nullptr;
  TensorMap values_;  // the states, and what is fed
  std::int64_t peak_bytes_ = 0;
};

}  // namespace corank
