#include "models/transformer/transformer.h"

#include "models/base/error.h"

namespace corank {

const Module* find_module(const Transformer& transformer, const std::string& name) {
  for (const Module& module : transformer.modules) {
    if (module.name == name) return &module;
  }
  return nullptr;
}

const Module& required_module(const Transformer& transformer, const std::string& name) {
  const Module* module = find_module(transformer, name);
  if (module == nullptr) throw InputError("the model has no module " + name);
  return *module;
}

}  // namespace corank
