// What the builders of all transformers share.
#pragma once

#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

/// A transformer under construction. Activations are BF16; every module's result bears the module's
/// name.
class TransformerBuilder {
 public:
  TransformerBuilder(std::int64_t batch, std::int64_t sequence);

  Graph& graph() { return transformer_.graph; }
  std::int64_t batch() const { return transformer_.batch; }
  std::int64_t sequence() const { return transformer_.sequence; }

  /// What is added next comes from layer `index`, whose module bears the name; or from none.
  void enter_layer(const std::string& module, std::int64_t index);
  void leave_layers() { graph().origin = {}; }

  ValueId input(const std::string& name, const Shape& shape);  // I64

  /// A table [rows, columns], and the rows of it that `ids` names.
  ValueId embedding(const std::string& name, std::int64_t rows, std::int64_t columns, ValueId ids,
                    std::optional<std::int64_t> padding_id);
  /// A table, and its first rows: an embedding of the positions.
  ValueId leading_rows(const std::string& name, std::int64_t rows, std::int64_t columns,
                       std::int64_t count);
  /// x . weight^T + bias
  ValueId linear(const std::string& name, ValueId x, std::int64_t out, bool has_bias,
                 Part part = Part::kFrozen, DType dtype = DType::BF16);
  /// The linear whose result the loss reads: F32, as is all that the loss computes. `tied_weight`
  /// is the weight of another module that it shares, if there is one; it has no bias then.
  ValueId head(const std::string& name, ValueId x, std::int64_t out, bool has_bias,
               std::optional<ValueId> tied_weight = std::nullopt);
  ValueId rms_norm(const std::string& name, ValueId x, double eps);
  ValueId layer_norm(const std::string& name, ValueId x, double eps);

  struct Attention {
    ValueId query = -1, key = -1, value = -1;  // [tokens, heads * D], [tokens, kv_heads * D] twice
    std::int64_t heads = 0, kv_heads = 0;
    ValueId mask = -1;
    bool causal = false;
    std::vector<float> rope_frequencies;  // empty: no rotary embedding
  };
  /// softmax(q . k^T / sqrt D) . v of every head, [tokens, heads * D]; names start with `prefix`.
  ValueId attention(const std::string& prefix, const Attention& attention);

  ValueId weight_of_last_module() const { return transformer_.modules.back().weight; }

  /// Takes the finished transformer, checked.
  Transformer finish(ValueId logits, ValueId loss, std::optional<std::int64_t> pad_token_id);

 private:
  ValueId parameter(const std::string& name, const Shape& shape);

  Transformer transformer_;
};

/// Throws InputError "`model`: expected a positive `what`, found ..." unless all are positive.
void require_positive(const std::string& model,
                      const std::vector<std::pair<std::string, std::int64_t>>& sizes);

}  // namespace corank
