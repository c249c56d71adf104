#include "models/transformer/transformer.h"

namespace corank {

const Module* find_module(const Transformer& transformer, const std::string& name) {
  for (const Module& module : transformer.modules) {
    if (module.name == name) return &module;
  }
  return nullptr;
}

}  // namespace corank
