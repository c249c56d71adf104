#include "host/huggingface/model_weights.h"

#include <cstring>
#include <map>
#include <set>
#include <variant>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

constexpr const char* kTable = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

/// The model has a head that shares the table of the embedding.
bool is_tied(const ModelConfig& model) { return model.facts().tied_head; }

bool equal_elements(const TensorView& a, const TensorView& b, const std::string& what) {
  if (a.shape != b.shape) return false;
  if (a.type.dtype == b.type.dtype) {
    const std::uint64_t bytes = safetensors_byte_count(a.type, a.shape).value_or(0);
    return std::memcmp(a.data, b.data, bytes) == 0;
  }
  const Tensor left = to_f32(a, what), right = to_f32(b, what);
  return left.bytes == right.bytes;
}

/// PreTrainedModel._adjust_missing_and_unexpected_keys.
bool is_known_buffer(const std::string& name) {
  return ends_with(name, "rotary_emb.inv_freq") || name == "position_ids" ||
         ends_with(name, ".position_ids");
}

/// Where a frozen parameter comes from. A head that shares the table of the embedding, or did until
/// the adapter untied it, and the table itself are in the file by either name.
std::string source_of(const std::string& value, const ModelConfig& model,
                      const WeightSource& files) {
  if (!is_tied(model) || (value != kTable && value != kHead)) return value;
  return !files.has(kTable, model.prefix()) && files.has(kHead, model.prefix()) ? kHead : kTable;
}

}  // namespace

void untie_other_head(ModelConfig& model, const WeightFiles& files) {
  if (!is_tied(model)) return;
  const TensorView* table = files.find(kTable, model.prefix());
  const TensorView* head = files.find(kHead, model.prefix());
  if (table == nullptr || head == nullptr) return;
  const bool equal = equal_elements(*table, *head, files.where() + ": tensor '" + kHead + "'");
  release(*table);
  release(*head);
  if (equal) return;
  std::get<LlamaShape>(model.shape).tied_embeddings = false;
  model.notes.push_back(model.file + ": 'tie_word_embeddings': true does not hold: the file has " +
                        "another " + kHead + ", which is used");
}

std::vector<std::string> unused_weights(const ModelConfig& model, const WeightSource& files,
                                        const Transformer& transformer,
                                        const PackedWeights& packed) {
  std::set<std::string> parameters;
  if (is_tied(model)) parameters.insert(kHead);
  for (const Value& value : transformer.graph.values)
    if (value.role == Role::kFrozen) parameters.insert(value.name);
  for (const auto& entry : packed)
    parameters.insert(entry.second.tensors.begin(), entry.second.tensors.end());
  // A name without the prefix is read where the whole one is not there.
  const auto is_read = [&](const std::string& name) {
    const std::string whole = model.prefix() + name;
    return parameters.count(name) != 0 || (parameters.count(whole) != 0 && !files.has(whole, ""));
  };
  std::vector<std::string> unused;
  for (const std::string& name : files.names())
    if (!is_read(name) && !is_known_buffer(name)) unused.push_back(name);
  if (unused.empty()) return {};
  return {files.where() +
          ": tensors that the model has no parameter for are not used: " + quote_list(unused)};
}

void store_packed(Graph& graph, const PackedWeights& packed) {
  for (Value& value : graph.values) {
    const auto found = packed.find(value.name);
    if (found != packed.end()) value.storage = found->second.format;
  }
}

TensorMap load_frozen(const Graph& graph, const ModelConfig& model, const WeightSource& files,
                      const FrozenTensors& replaced, Numerics numerics) {
  std::map<std::string, TensorView> given;
  for (const auto& entry : replaced) given[entry.second.value] = view_of(entry.second.tensor);
  TensorMap values;
  for (const Value& value : graph.values) {
    if (value.role != Role::kFrozen) continue;
    const auto replacement = given.find(value.name);
    if (value.storage) {
      if (replacement != given.end())
        throw InputError(files.where() + ": " + value.name + " is packed (" +
                         to_string(*value.storage) + "); expected none of this name in the " +
                         "adapter's file, found one");
      continue;
    }
    const bool rounded = numerics == Numerics::kBf16 && value.dtype == DType::BF16;
    if (replacement != given.end()) {
      const TensorView& view = replacement->second;
      values.emplace(value.name, rounded ? to_bf16(view, value.name) : to_f32(view, value.name));
      continue;
    }
    values.emplace(value.name, files.read(source_of(value.name, model, files), model.prefix(),
                                          value.shape, rounded ? DType::BF16 : DType::F32));
  }
  return values;
}

PackedWeights weights_to_quantize(const ModelConfig& model, const Transformer& transformer,
                                  Quantizer quantizer, const WeightSource* files) {
  PackedWeights packed;
  for (const Module& module : transformer.modules) {
    const Value& weight = transformer.graph.value(module.weight);
    if (module.kind != ModuleKind::kLinear || module.name == model.facts().output_head) continue;
    PackedWeight& one = packed[weight.name];
    one.format = format_of(quantizer, weight.shape);
    one.tensors = {weight.name};
    if (files != nullptr)
      one.read = [=, name = weight.name, shape = weight.shape, prefix = model.prefix()] {
        return quantize(files->read(name, prefix, shape, DType::F32), quantizer);
      };
  }
  return packed;
}

QuantizedMap load_packed(const Graph& graph, const PackedWeights& packed) {
  QuantizedMap values;
  for (const Value& value : graph.values)
    if (value.storage) values.emplace(value.name, packed.at(value.name).read());
  return values;
}

}  // namespace corank
