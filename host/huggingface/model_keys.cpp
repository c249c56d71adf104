#include "host/huggingface/model_keys.h"

namespace corank {
namespace {

constexpr KeyUse kHonoured = KeyUse::kHonoured;
constexpr KeyUse kHarmless = KeyUse::kHarmless;
constexpr KeyUse kNotApplied = KeyUse::kNotApplied;
constexpr KeyUse kRefused = KeyUse::kRefused;

/// Of every model.
const KnownKeys kCommon = {
    {"model_type", kHonoured},
    {"architectures", kHonoured},
    {"vocab_size", kHonoured},
    {"hidden_size", kHonoured},
    {"intermediate_size", kHonoured},
    {"num_hidden_layers", kHonoured},
    {"num_attention_heads", kHonoured},
    {"max_position_embeddings", kHonoured},
    {"hidden_act", kHonoured},
    {"pad_token_id", kHonoured},
    {"id2label", kHonoured},
    {"num_labels", kHonoured},
    {"problem_type", kHonoured},

    {"quantization_config", kHonoured},

    // Another model than the graph that corank builds.
    {"compression_config", kRefused},
    {"is_encoder_decoder", kRefused},
    {"add_cross_attention", kRefused},
    {"tie_encoder_decoder", kRefused},
    {"pruned_heads", kRefused},
    {"per_layer_config", kRefused},

    // Where a file comes from, and names.
    {"_name_or_path", kHarmless},
    {"name_or_path", kHarmless},
    {"_commit_hash", kHarmless},
    {"transformers_version", kHarmless},
    {"transformers.js_config", kHarmless},
    {"unsloth_version", kHarmless},
    {"unsloth_fixed", kHarmless},
    {"tokenizer_class", kHarmless},
    {"label2id", kHarmless},
    {"finetuning_task", kHarmless},
    {"task_specific_params", kHarmless},

    // How a program computes the same: `numerics` of the run says in which type.
    {"dtype", kHarmless},
    {"torch_dtype", kHarmless},
    {"torchscript", kHarmless},
    {"use_bfloat16", kHarmless},
    {"use_cache", kHarmless},
    {"return_dict", kHarmless},
    {"use_return_dict", kHarmless},
    {"output_hidden_states", kHarmless},
    {"output_attentions", kHarmless},
    {"chunk_size_feed_forward", kHarmless},
    {"gradient_checkpointing", kHarmless},
    {"attn_implementation", kHarmless},
    {"_attn_implementation", kHarmless},
    {"_attn_implementation_autoset", kHarmless},
    {"_attn_implementation_internal", kHarmless},
    {"_flash_attn_2_enabled", kHarmless},
    {"experts_implementation", kHarmless},
    {"cross_attention_hidden_size", kHarmless},  // refused with add_cross_attention

    // The start of weights that come from the files.
    {"initializer_range", kHarmless},
    {"initializer_factor", kHarmless},

    // Tokens and the generation of text.
    {"bos_token_id", kHarmless},
    {"eos_token_id", kHarmless},
    {"sep_token_id", kHarmless},
    {"cls_token_id", kHarmless},
    {"mask_token_id", kHarmless},
    {"unk_token_id", kHarmless},
    {"decoder_start_token_id", kHarmless},
    {"prefix", kHarmless},
    {"max_length", kHarmless},
    {"min_length", kHarmless},
    {"do_sample", kHarmless},
    {"early_stopping", kHarmless},
    {"num_beams", kHarmless},
    {"num_beam_groups", kHarmless},
    {"diversity_penalty", kHarmless},
    {"temperature", kHarmless},
    {"top_k", kHarmless},
    {"top_p", kHarmless},
    {"typical_p", kHarmless},
    {"repetition_penalty", kHarmless},
    {"encoder_repetition_penalty", kHarmless},
    {"length_penalty", kHarmless},
    {"no_repeat_ngram_size", kHarmless},
    {"encoder_no_repeat_ngram_size", kHarmless},
    {"bad_words_ids", kHarmless},
    {"num_return_sequences", kHarmless},
    {"output_scores", kHarmless},
    {"return_dict_in_generate", kHarmless},
    {"forced_bos_token_id", kHarmless},
    {"forced_eos_token_id", kHarmless},
    {"remove_invalid_values", kHarmless},
    {"exponential_decay_length_penalty", kHarmless},
    {"suppress_tokens", kHarmless},
    {"begin_suppress_tokens", kHarmless},
    {"epsilon_cutoff", kHarmless},
    {"eta_cutoff", kHarmless},
};

const KnownKeys kLlamaOnly = {
    {"num_key_value_heads", kHonoured},
    {"head_dim", kHonoured},
    {"rms_norm_eps", kHonoured},
    {"attention_bias", kHonoured},
    {"mlp_bias", kHonoured},
    {"tie_word_embeddings", kHonoured},
    {"rope_parameters", kHonoured},
    {"rope_scaling", kHonoured},
    {"rope_theta", kHonoured},
    {"layer_types", kHonoured},

    {"original_max_position_embeddings", kNotApplied},  // the one in rope_parameters counts
    {"attention_dropout", kNotApplied},
    // transformers' LlamaModel does not read it either: every layer sees every position.
    {"sliding_window", kNotApplied},
    {"use_sliding_window", kNotApplied},

    {"is_causal", kRefused, "true"},
    {"partial_rotary_factor", kRefused, "1.0"},
    {"rope_interleaved", kRefused},

    {"is_decoder", kHarmless},           // it always is one
    {"is_llama_config", kHarmless},      // SmolLM2
    {"pretraining_tp", kHarmless},       // products cut into parts and added again
    {"max_sequence_length", kHarmless},  // of the first LLaMA's files
    {"max_window_layers", kHarmless},
};

const KnownKeys kBertOnly = {
    {"type_vocab_size", kHonoured},
    {"layer_norm_eps", kHonoured},
    {"is_decoder", kHonoured},
    {"is_causal", kHonoured},

    {"hidden_dropout_prob", kNotApplied},
    {"attention_probs_dropout_prob", kNotApplied},
    {"classifier_dropout", kNotApplied},

    // Tables of distances between positions; transformers 5 has dropped them.
    {"position_embedding_type", kRefused, "\"absolute\""},

    {"tie_word_embeddings", kHarmless},  // a classifier has no head of words
    // Of the original multilingual checkpoint; nothing reads them.
    {"directionality", kHarmless},
    {"pooler_fc_size", kHarmless},
    {"pooler_num_attention_heads", kHarmless},
    {"pooler_num_fc_layers", kHarmless},
    {"pooler_size_per_head", kHarmless},
    {"pooler_type", kHarmless},
};

KnownKeys joined(const KnownKeys& special) {
  KnownKeys all = kCommon;
  all.insert(all.end(), special.begin(), special.end());
  return all;
}

}  // namespace

const KnownKeys& llama_keys() {
  static const KnownKeys keys = joined(kLlamaOnly);
  return keys;
}

const KnownKeys& bert_keys() {
  static const KnownKeys keys = joined(kBertOnly);
  return keys;
}

const KnownKeys& rope_keys() {
  static const KnownKeys keys = {
      {"rope_type", kHonoured},
      {"type", kHonoured},
      {"rope_theta", kHonoured},
      {"factor", kHonoured},
      {"low_freq_factor", kHonoured},
      {"high_freq_factor", kHonoured},
      {"original_max_position_embeddings", kHonoured},
      {"partial_rotary_factor", kRefused, "1.0"},
  };
  return keys;
}

}  // namespace corank
