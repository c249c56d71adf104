#include "host/compiler/packed_places.h"

#include <algorithm>
#include <string>
#include <utility>

#include "host/compiler/streamed_weights.h"
#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

// Maps that differ, each with the first value that has it; of a weight that is not known it is
// nullptr, and equal to every other one.
class Maps {
 public:
  ValueId first_with(const std::vector<float>* map, ValueId id) {
    for (const auto& [known, first] : maps_)
      if (map == nullptr || known == nullptr || *known == *map) return first;
    maps_.emplace_back(map, id);
    return id;
  }

 private:
  std::vector<std::pair<const std::vector<float>*, ValueId>> maps_;
};

const QuantizedTensor* find(const QuantizedMap* packed, const std::string& name) {
  if (packed == nullptr) return nullptr;
  const auto found = packed->find(name);
  return found == packed->end() ? nullptr : &found->second;
}

std::string begin_of(const Value& value) {
  return value.name + " is packed (" + to_string(*value.storage) + "): ";
}

PackedPlace packed_place(const Value& value) {
  const DeviceFormat format = device_format_of(*value.storage, value.shape);
  if (!format.fields)
    throw InputError(begin_of(value) + "the accelerator does not decode that; " + format.why_not);
  PackedPlace weight;
  weight.layout = {*format.fields, value.shape[0], value.shape[1], 0};
  weight.nested_bytes = nested_table_bytes(*value.storage, value.shape);
  return weight;
}

}  // namespace

std::vector<std::optional<PackedPlace>> packed_places(const Graph& graph, const DefUse& uses,
                                                      const MachineShape& machine,
                                                      const QuantizedMap* packed) {
  const std::vector<bool> on_the_right = streamed_values(graph, uses);
  std::vector<std::optional<PackedPlace>> weights(graph.values.size());
  Maps maps;
  for (std::size_t id = 0; id < weights.size(); ++id) {
    const Value& value = graph.values[id];
    if (!value.storage) continue;
    if (machine.decoder == 0)
      throw KeyError({"accelerator.decoder", "accelerator"},
                     begin_of(value) +
                         "expected a machine that decodes it (accelerator.decoder: "
                         "1), found accelerator.decoder: 0");
    if (!on_the_right[id] && !uses.readers[id].empty())
      throw InputError(begin_of(value) +
                       "the accelerator decodes the right operands of products; expected no other "
                       "op that reads it");
    PackedPlace weight = packed_place(value);
    if (weight.nested_bytes > 0) {
      const QuantizedTensor* known = find(packed, value.name);
      if (known != nullptr) weight.layout.fields.offset = bits_of(known->offset);
      weight.map_of = maps.first_with(known != nullptr ? &known->nested_map : nullptr,
                                      static_cast<ValueId>(id));
    }
    weights[id] = weight;
  }
  return weights;
}

std::uint64_t place_tables(std::vector<std::optional<PackedPlace>>& weights,
                           std::uint64_t address) {
  for (std::optional<PackedPlace>& weight : weights) {
    if (!weight || weight->nested_bytes == 0) continue;
    weight->nested_address = address;
    address += weight->nested_bytes;
  }
  for (std::size_t id = 0; id < weights.size(); ++id) {
    if (!weights[id] || weights[id]->map_of < 0) continue;
    PackedPlace& first = *weights[static_cast<std::size_t>(weights[id]->map_of)];
    if (first.map_address == 0) {
      first.map_address = address;
      address += kScaleMapBytes;
    }
    weights[id]->map_address = first.map_address;
  }
  return address;
}

}  // namespace corank
