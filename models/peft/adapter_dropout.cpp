#include "models/peft/adapter_dropout.h"

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {

AdapterDropout adapter_dropout(Graph& graph, double rate, std::uint64_t seed, const char* method) {
  if (!(rate >= 0 && rate < 1))
    throw InputError(std::string(method) + ": expected a dropout from 0 to below 1, found " +
                     short_number(rate));
  AdapterDropout dropout{rate, seed, 0, -1};
  if (rate > 0) dropout.step = add_value(graph, {"dropout_step", {1}, DType::I64, Role::kInput});
  return dropout;
}

ValueId add_dropped(Graph& graph, const std::string& name, ValueId x,
                    const AdapterDropout& dropout) {
  if (dropout.rate == 0) return x;
  return add_dropout(graph, name, x, dropout.step, dropout.rate, dropout.seed, dropout.stream);
}

}  // namespace corank
