// The fine-tuning runs of Hugging Face PEFT in tests/fixtures/hf (its README says what they hold).
#pragma once

#include <string>
#include <vector>

#include "host/config/config.h"
#include "models/base/tensor.h"

namespace corank::test {

struct FinetuneFixture {
  std::string name, folder;
  Config config;       // as settings.json says it
  TensorMap initial;   // the adapter's file
  TensorMap expected;  // losses, logits0, logits_final, grad.NAME, final.NAME; F32
};

/// Names of all fixtures, sorted.
std::vector<std::string> fixture_names();
/// The model of one of them, MiniLM, is too large to be checked in: the test minilm_folder fetches
/// it.
bool has_model(const std::string& name);
FinetuneFixture read_fixture(const std::string& name);

/// |a - b| / |b|, L2 norms of F32 tensors of one shape, in double.
double relative_error(const Tensor& a, const Tensor& b);

/// Differences of sets of tensors: each taken as one long vector.
struct VectorError {
  double difference = 0, norm = 0;  // L2 norms of a - b and of b
  double relative() const { return difference / norm; }
  void add(const Tensor& a, const Tensor& b);
};

double norm_of(const Tensor& tensor);
/// a - b
Tensor difference_of(const Tensor& a, const Tensor& b);
/// The cosine of the angle between two tensors.
double cosine_of(const Tensor& a, const Tensor& b);

}  // namespace corank::test
