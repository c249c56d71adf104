// Is the RTL right? What `corank verify` does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host/config/config.h"
#include "host/verify/run_case.h"

namespace corank {

/// What is drawn.
enum class CaseKinds { kLayers, kGraphs, kTransformers, kAll };
/// "layers", "graphs", "transformers", "all"
const char* name_of(CaseKinds kinds);
/// Throws InputError for another name.
CaseKinds case_kinds_of(const std::string& name);

struct VerifyOptions {
  int cases = 250;  // of each kind; some minutes on the quick-start machine
  CaseKinds kinds = CaseKinds::kAll;
  std::uint64_t seed = 1;
  int first = 0;                         // number of the first case
  bool progress = false;                 // tell on a terminal how far it is
  std::function<bool()> stop = nullptr;  // asked now and then: whether to end early
};

struct VerifyResult {
  MachineShape machine;
  CaseKinds kinds = CaseKinds::kAll;
  int cases = 0;                                 // asked for, of each kind
  int layers = 0, graphs = 0, transformers = 0;  // found right
  int dram = 0;                                  // of these, with a memory of kind dram
  int several_steps = 0;                         // of these, with more than one
  int packed = 0;                                // of these, with packed weights
  int failed = -1;                               // the case that differs; -1: none
  CaseKinds failed_kind = CaseKinds::kAll;       // of it
  std::string failure;                           // the case in words, and its first difference
  bool fault = false;                            // of that case: the RTL did not come to its end
  bool stopped = false;                          // ended early
  Verified sum;                                  // over the verified cases

  int verified() const { return layers + graphs + transformers; }
};

/// Random layers, graphs and transformers on the configuration's accelerator, built if it is not
/// there yet, until one differs. Where the configuration names a memory, half of the cases use it;
/// what else makes a case is drawn. Throws InputError for a configuration that cannot be verified,
/// MachineError where the machine cannot be built.
VerifyResult verify(const Config& config, const VerifyOptions& options);

/// A few lines for a terminal. `replay`: what runs case `failed` alone.
std::string to_text(const VerifyResult& result, const std::string& replay);

}  // namespace corank
