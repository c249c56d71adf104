#!/usr/bin/env python3
"""Makes the fixtures in tests/fixtures/hf: short fine-tuning runs by Hugging Face PEFT, of LoRA and the other methods.

Each fixture is written as the files that a user would have (model folder, adapter folder, token batches), read back
from those files by transformers and PEFT, and trained. Before the expected values are written, the run is checked:
- every trained tensor's gradient against a central difference of the loss along a random direction;
- the whole run against the same run in FP64: a fixture whose FP32 result is itself uncertain is no reference;
- every input of a ReLU keeps its distance from the kink, see random_model();
- the loss of the first batch after the last step against the one before the first.
"""

import argparse
import contextlib
import json
import math
import pathlib
import shutil
import tempfile
import unittest.mock
import warnings
from dataclasses import dataclass, field

import torch
from peft import (IA3Config, LNTuningConfig, LoHaConfig, LoKrConfig, LoraConfig, MissConfig, OFTConfig, PeftModel, VeraConfig,
                  get_peft_model, get_peft_model_state_dict)
from safetensors.torch import load_file
from peft.optimizers import create_loraplus_optimizer
from peft.tuners.lora.dora import DoraLinearLayer
from transformers import (BertConfig, BertForSequenceClassification, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM,
                          LlamaForSequenceClassification)
from transformers.utils import logging

from counter_dropout import use_counter_dropout
from minilm_folder import make_folder, model_folder
from safetensors_file import write_reproducibly

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "hf"

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]
RESIDUAL = ["o_proj", "down_proj", "output.dense"]  # what is added to the residual stream

# Written out in full, so that a reader of settings.json needs no defaults.
ADAMW = {"optimizer": "adamw", "lr": 2e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}
SGD = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0}
PLAIN = {"schedule": "constant", "warmup": 0, "clip_norm": None, "accumulate": 1, "steps": 4}


def llama(**changes) -> dict:
    return {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
            "rms_norm_eps": 1e-5, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2} | changes


def bert(**changes) -> dict:
    return {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "max_position_embeddings": 24, "pad_token_id": 0, "num_labels": 3} | changes


@dataclass
class Fixture:
    name: str
    config: dict
    adapter: dict  # keys of adapter_config.json
    settings: dict = field(default_factory=lambda: ADAMW | PLAIN)
    shape: tuple[int, int] = (2, 10)  # sequences, tokens
    padding: str = "none"  # left, right, holes
    weights: torch.dtype = torch.float32  # of the files
    shards: int = 1
    prefix: bool = True  # names as LlamaForCausalLM / BertForSequenceClassification has them, not the bare model
    old_config: dict | None = None  # what older versions wrote in place of rope_parameters
    short_adapter_config: bool = False  # only the keys that PEFT needs
    changed_config: dict = field(default_factory=dict)  # what config.json says otherwise; None: not at all
    gamma_beta: bool = False  # LayerNorm's names in the checkpoints that came from TensorFlow
    new_embeddings: bool = False  # the adapter's file has another embed_tokens and lm_head than the model
    pairs: bool = False  # batches with token_type_ids
    without_labels: tuple[int, ...] = ()  # micro-batches
    method: type = LoraConfig
    packed: dict = field(default_factory=dict)  # of BitsAndBytesConfig, which packs the linears but the head

    @property
    def is_bert(self) -> bool:
        return "num_key_value_heads" not in self.config

    @property
    def classifies(self) -> bool:
        return "num_labels" in self.config or self.is_minilm

    @property
    def is_minilm(self) -> bool:
        return self.name == "minilm"


FIXTURES = [
    # Grouped queries, every linear, zero embedding of the padding token (RMSNorm of a zero row).
    Fixture("llama_gqa", llama(), {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + MLP}, padding="right"),
    # No size is a power of two; heads x head_dim (30) is not the hidden size; one key/value head.
    Fixture("llama_odd", llama(vocab_size=61, hidden_size=27, intermediate_size=44, num_attention_heads=3,
                               num_key_value_heads=1, head_dim=10),
            {"r": 3, "lora_alpha": 5, "target_modules": ATTENTION + ["down_proj"]}, shape=(3, 7)),
    # Frozen biases of attention and MLP, output head tied to the embedding; "all-linear" as the user may write it.
    Fixture("llama_bias_tied", llama(attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
            {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}, short_adapter_config=True),
    # Fully masked query rows, one of which predicts the first real token; and real keys hidden in the middle.
    Fixture("llama_left_padding", llama(num_key_value_heads=4), {"r": 4, "lora_alpha": 4, "target_modules": ATTENTION},
            shape=(3, 9), padding="left"),
    Fixture("llama_mask_holes", llama(hidden_act="gelu_pytorch_tanh"),
            {"r": 2, "lora_alpha": 6, "target_modules": ["q_proj", "gate_proj"]}, padding="holes"),
    # A regular expression, exclusions, and ranks and alphas of their own.
    Fixture("llama_patterns", llama(),
            {"r": 4, "lora_alpha": 8,
             "target_modules": r"model\.layers\.\d+\.(self_attn\.(q|k|v|o)_proj|mlp\.(?!gate)\w+_proj)",
             "exclude_modules": r".*layers\.0\.self_attn\.k_proj",
             "rank_pattern": {r"layers\.1\.self_attn\.q_proj": 6, "down_proj": 2},
             "alpha_pattern": {r"layers\.0\.mlp\.\w+": 12, "o_proj": 3.5}}, padding="right"),
    Fixture("llama_rslora", llama(), {"r": 6, "lora_alpha": 9, "use_rslora": True, "target_modules": ATTENTION,
                                      "exclude_modules": ["o_proj"], "rank_pattern": {"v_proj": 3}}),
    # Nothing below layer 1 has a gradient; its q_proj alone is adapted, so dv and dk are not needed there.
    Fixture("llama_layers", llama(num_hidden_layers=3, hidden_size=24, intermediate_size=40),
            {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "up_proj"], "layers_to_transform": [1, 2],
             "layers_pattern": "layers", "exclude_modules": ["layers.1.mlp.up_proj"]}),
    # Adapters of the embedding and of the output head; embedding, head and a norm trained in full. The padding token's
    # embedding gets no gradient, though padding on the left has one to give.
    Fixture("llama_embedding", llama(), {"r": 4, "lora_alpha": 8, "target_modules": ["embed_tokens", "lm_head", "q_proj"]},
            padding="left"),
    Fixture("llama_saved", llama(vocab_size=40, hidden_act="relu", mlp_bias=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["v_proj"], "modules_to_save": ["embed_tokens", "lm_head", "norm"]},
            padding="left"),
    Fixture("llama_tokens", llama(), {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
                                      "trainable_token_indices": {"embed_tokens": [3, 7, 20, 41]}}, padding="right"),
    # RoPE variants; BF16 in three files, and an old config with FP16 and the names of the bare model.
    Fixture("llama_rope_llama3", llama(head_dim=16, max_position_embeddings=128, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}),
        {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj"]}, shape=(2, 14),
        weights=torch.bfloat16, shards=3),
    Fixture("llama_rope_linear", llama(num_key_value_heads=4, rms_norm_eps=1e-6, tie_word_embeddings=True),
            {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION}, weights=torch.float16, prefix=False,
            old_config={"rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 2.5}}),
    # Trained biases. A key's bias has gradients near zero; a larger eps keeps AdamW from blowing up their rounding.
    Fixture("llama_bias_all", llama(attention_bias=True, mlp_bias=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "down_proj"], "bias": "all"},
            settings=ADAMW | PLAIN | {"betas": [0.8, 0.95], "eps": 1e-5}),
    Fixture("llama_bias_lora_only", llama(attention_bias=True, mlp_bias=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["k_proj", "up_proj"], "bias": "lora_only"},
            settings=SGD | PLAIN | {"nesterov": True, "weight_decay": 0.02}),
    # The training loop: clipping that bites, warm-up, cosine, accumulation of micro-batches of unequal token counts.
    Fixture("llama_schedule", llama(), {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]},
            settings=ADAMW | PLAIN | {"lr": 1e-2, "schedule": "cosine", "warmup": 2, "clip_norm": 0.3, "accumulate": 3,
                                      "steps": 6}, padding="right"),
    Fixture("llama_sgd", llama(hidden_act="gelu"), {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION},
            settings=SGD | PLAIN | {"dampening": 0.25, "schedule": "linear", "warmup": 1, "clip_norm": 0.5, "steps": 5}),
    Fixture("bert", bert(), {"task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right"),
    # "all-linear" (the pooler too), every bias with those of the embedding's LayerNorm. SGD, because the gradient of
    # a key's bias is zero but for rounding, which AdamW would blow up to steps of the full learning rate.
    Fixture("bert_all", bert(hidden_size=30, num_attention_heads=5, intermediate_size=44, hidden_act="gelu_new"),
            {"task_type": "SEQ_CLS", "r": 2, "lora_alpha": 4, "target_modules": "all-linear", "bias": "all"},
            settings=SGD | PLAIN | {"lr": 0.03}, shape=(3, 8), padding="right", prefix=False, weights=torch.bfloat16),
    # The real model. Layer 0 is adapted, so the backward pass crosses all six; few ranks keep the files small.
    Fixture("minilm", {}, {"task_type": "SEQ_CLS", "r": 2, "lora_alpha": 4, "target_modules": ["query", "value"],
                           "layers_to_transform": [0, 2, 5]}, padding="right"),
    # Dropout with corank's own mask, another for every module and micro-batch.
    Fixture("llama_dropout", llama(), {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + MLP, "lora_dropout": 0.25},
            settings=ADAMW | PLAIN | {"accumulate": 2, "seed": 7}, padding="right"),
    # A LLaMA that classifies by the last token that is no padding; its head is trained in full. Eight sequences: a loss
    # of few targets shows the roundings of each.
    Fixture("llama_classify", llama(num_labels=3),
            {"task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "up_proj"]},
            settings=ADAMW | PLAIN | {"accumulate": 2}, shape=(8, 9), padding="right"),
    # Adapters of all three embeddings: positions are the leading rows of a table, not gathered ones.
    Fixture("bert_embeddings", bert(), {"task_type": "SEQ_CLS", "r": 3, "lora_alpha": 6, "target_modules": [
        "word_embeddings", "position_embeddings", "token_type_embeddings", "query"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right"),
    # LayerNorm's gamma and beta, a LayerNorm trained in full, the number of classes without their names.
    Fixture("bert_old_names", bert(), {"task_type": "SEQ_CLS", "r": 2, "lora_alpha": 4, "target_modules": ["query", "value"],
                                       "modules_to_save": ["embeddings.LayerNorm"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right", prefix=False, gamma_beta=True,
            changed_config={"id2label": None, "label2id": None, "num_labels": 3}),
    # A BERT that attends to earlier positions only.
    Fixture("bert_decoder", bert(is_decoder=True),
            {"task_type": "SEQ_CLS", "r": 2, "lora_alpha": 4, "target_modules": ["query", "key", "output.dense"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right"),
    # Pairs of sentences: three token types, two of them in each row.
    Fixture("bert_pairs", bert(type_vocab_size=3),
            {"task_type": "SEQ_CLS", "r": 2, "lora_alpha": 4, "target_modules": ["query", "token_type_embeddings"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right", pairs=True),
    # config.json ties the head, but the file has another one, which holds.
    Fixture("llama_own_head", llama(), {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]},
            padding="right", changed_config={"tie_word_embeddings": True}),
    # Rows of the embedding and others of the head, where these are two tables, and where they are one.
    Fixture("llama_tokens_head", llama(), {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
                                           "trainable_token_indices": {"embed_tokens": [3, 7, 20], "lm_head": [7, 41]}},
            padding="right"),
    Fixture("llama_tokens_tied", llama(tie_word_embeddings=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
             "trainable_token_indices": {"embed_tokens": [3, 7, 20], "lm_head": [7, 41]}}, padding="right"),
    Fixture("llama_tokens_shared", llama(tie_word_embeddings=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
             "trainable_token_indices": {"lm_head": [5, 7], "embed_tokens": [5, 7]}}, padding="right"),
    # Patterns of layers: one that means nothing, one from the root on.
    Fixture("llama_layers_root", llama(num_hidden_layers=3, hidden_size=24, intermediate_size=40),
            {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "up_proj"], "layers_to_transform": [0, 2],
             "layers_pattern": ["h", "model.layers"]}),
    # The adapter's file brings an embedding and a head along, as PEFT writes them of a resized vocabulary.
    Fixture("llama_new_embeddings", llama(), {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]},
            padding="right", new_embeddings=True),
    # Steps of which one micro-batch of three has no label: the first one, a later one.
    Fixture("llama_masked_micro_batch", llama(), {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]},
            settings=ADAMW | PLAIN | {"accumulate": 3}, padding="right", without_labels=(0, 5, 7)),
    # The same of an embedding that is adapted as well: "base_layer".
    Fixture("llama_new_table", llama(tie_word_embeddings=True),
            {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "embed_tokens"]}, padding="right", new_embeddings=True),
    # (IA)^3 as its paper has it, which is what PEFT chooses where nothing is said: keys, values, the last linear's input.
    Fixture("llama_ia3", llama(attention_bias=True), {}, padding="right", method=IA3Config,
            short_adapter_config=True),
    # Chosen by expressions: inputs shared with other linears (q and k of one layer, gate), outputs of the head and of the
    # residual stream; an excluded module; a norm trained in full beside them.
    Fixture("llama_ia3_patterns", llama(mlp_bias=True),
            {"target_modules": r"lm_head|model\.layers\.\d+\.(self_attn\.[qko]_proj|mlp\.\w+_proj)",
             "feedforward_modules": r".*(layers\.0\.self_attn\.[qk]_proj|gate_proj|down_proj)",
             "exclude_modules": ["layers.1.mlp.up_proj"], "modules_to_save": ["norm"], "init_ia3_weights": False},
            settings=ADAMW | PLAIN | {"accumulate": 2}, padding="left", method=IA3Config),
    # PEFT's choice means two linears of a BERT's layer by "output.dense"; the classifier is trained in full.
    Fixture("bert_ia3", bert(), {"task_type": "SEQ_CLS"}, settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9),
            padding="right", method=IA3Config),
    # QLoRA: linears packed by bitsandbytes. No size is a multiple of 64 (blocks straddle rows) or of 16 (where its kernel
    # for AVX-512 takes the wrong scales).
    Fixture("llama_nf4", llama(hidden_size=36, intermediate_size=52, num_attention_heads=3, num_key_value_heads=1),
            {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + MLP},
            settings=ADAMW | PLAIN | {"steps": 6}, padding="right",
            packed={"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True,
                    "bnb_4bit_compute_dtype": torch.float32}),
    # LLM.int8, whose forward pass on a CPU is that of training: the weights decoded, then a product.
    Fixture("llama_int8", llama(hidden_size=36, intermediate_size=52, num_attention_heads=3, num_key_value_heads=1),
            {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}, padding="right",
            packed={"load_in_8bit": True}),
    # LayerNorm tuning by PEFT's own choice, every norm; and of some of a BERT's, which have biases.
    Fixture("llama_ln_tuning", llama(), {}, padding="right", method=LNTuningConfig, short_adapter_config=True),
    Fixture("bert_ln_tuning", bert(), {"task_type": "SEQ_CLS", "target_modules": ["LayerNorm"],
                                       "exclude_modules": ["encoder.layer.0.output.LayerNorm"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right", method=LNTuningConfig),
    # LoRA+, of an embedding, too: A and saved matrices, B and vectors, biases and LayerNorms, the embedding's adapter.
    Fixture("llama_lora_plus", llama(attention_bias=True),
            {"r": 4, "lora_alpha": 8, "target_modules": ["embed_tokens", "q_proj", "v_proj"], "bias": "lora_only",
             "modules_to_save": ["norm", "lm_head"]},
            settings=ADAMW | PLAIN | {"lr": 1e-3, "weight_decay": 0.1, "schedule": "linear", "warmup": 1, "clip_norm": 0.5,
                                      "lora_plus": {"ratio": 8.0, "embedding_lr": 5e-4}}, padding="right"),
    Fixture("bert_lora_plus", bert(),
            {"task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "target_modules": ["query", "value"],
             "modules_to_save": ["LayerNorm"]},
            settings=ADAMW | PLAIN | {"lr": 1e-3, "eps": 1e-6, "weight_decay": 0.1,
                                      "lora_plus": {"ratio": 4.0, "embedding_lr": 1e-6}},
            shape=(4, 9), padding="right"),
    # LoRA-FA: A of every linear stays as it is; of an embedding both factors are trained.
    Fixture("llama_lora_fa", llama(), {"r": 4, "lora_alpha": 8, "target_modules": ["embed_tokens"] + ATTENTION + MLP},
            settings=ADAMW | PLAIN | {"lora_fa": True}, padding="right"),
    Fixture("bert_lora_fa", bert(), {"task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "target_modules": "all-linear"},
            settings=ADAMW | PLAIN | {"eps": 1e-6, "lora_fa": True}, shape=(4, 9), padding="right"),
    # DoRA, with biases and without; with a dropout it reads the weights a second time.
    Fixture("llama_dora", llama(), {"r": 4, "lora_alpha": 8, "use_dora": True, "target_modules": ATTENTION + MLP},
            padding="right"),
    Fixture("llama_dora_dropout", llama(attention_bias=True),
            {"r": 4, "lora_alpha": 8, "use_dora": True, "lora_dropout": 0.25, "bias": "lora_only",
             "target_modules": ["q_proj", "v_proj", "up_proj"]},
            settings=ADAMW | PLAIN | {"accumulate": 2, "seed": 7}, padding="right"),
    Fixture("bert_dora", bert(), {"task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "use_dora": True, "bias": "all",
                                  "target_modules": ["value", "intermediate.dense", "output.dense"]},
            settings=SGD | PLAIN | {"lr": 0.03}, shape=(4, 9), padding="right"),
    # VeRA of linears of several sizes, so that A and B are sliced; with a dropout.
    Fixture("llama_vera", llama(), {"r": 12, "target_modules": ATTENTION + ["up_proj", "down_proj"]}, padding="right",
            method=VeraConfig),
    Fixture("bert_vera", bert(), {"task_type": "SEQ_CLS", "r": 10, "vera_dropout": 0.25, "bias": "vera_only",
                                  "target_modules": ["query", "value", "intermediate.dense"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6, "seed": 3}, shape=(4, 9), padding="right", method=VeraConfig),
    # MiSS: 5 divides neither 32 nor 48; with a dropout, of sizes that 8 divides.
    Fixture("llama_miss", llama(), {"r": 5, "target_modules": ATTENTION + MLP}, padding="right", method=MissConfig),
    Fixture("bert_miss", bert(), {"task_type": "SEQ_CLS", "r": 8, "miss_dropout": 0.25, "bias": "MiSS_only",
                                  "target_modules": "all-linear"},
            settings=SGD | PLAIN | {"lr": 0.01, "seed": 3}, shape=(4, 9), padding="right", method=MissConfig),
    # OFT by the size of blocks and by their number, with other terms of the series.
    Fixture("llama_oft", llama(), {"oft_block_size": 8, "target_modules": ATTENTION + MLP}, padding="right",
            method=OFTConfig),
    Fixture("bert_oft", bert(), {"task_type": "SEQ_CLS", "r": 4, "oft_block_size": 0, "num_cayley_neumann_terms": 6,
                                 "bias": "oft_only", "target_modules": ["query", "value", "output.dense"]},
            settings=SGD | PLAIN | {"lr": 0.03}, shape=(4, 9), padding="right", method=OFTConfig),
    # LoHa, whose change of a weight is a dense matrix; ranks and alphas of their own.
    Fixture("llama_loha", llama(), {"r": 3, "alpha": 6, "target_modules": ["q_proj", "v_proj", "down_proj"],
                                    "rank_pattern": {"v_proj": 2}, "alpha_pattern": {"down_proj": 2}}, padding="right",
            method=LoHaConfig),
    Fixture("bert_loha", bert(), {"task_type": "SEQ_CLS", "r": 2, "alpha": 4, "target_modules": ["query", "value"]},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right", method=LoHaConfig),
    # LoKr: whole matrices, and both of them as products of two.
    Fixture("llama_lokr", llama(), {"r": 3, "alpha": 6, "target_modules": ATTENTION + MLP}, padding="right",
            method=LoKrConfig),
    Fixture("bert_lokr", bert(), {"task_type": "SEQ_CLS", "r": 1, "alpha": 2, "decompose_both": True,
                                  "target_modules": "all-linear"},
            settings=ADAMW | PLAIN | {"eps": 1e-6}, shape=(4, 9), padding="right", method=LoKrConfig),
]
# How far from 0 the inputs of a ReLU stay, in the first batch. With BF16 operands they are off by about 4e-3.
RELU_DISTANCE = 0.02

# Sentences of four kinds: sea, kitchen, engine, garden.
MINILM_TEXTS = [
    ("The trawler came back to the harbour before the storm.", 0), ("Fry the onions until they are golden.", 1),
    ("The gearbox needs new oil.", 2), ("Prune the roses in March.", 3),
    ("A long swell rolled in from the west, and the gulls went quiet.", 0), ("Let the dough rest for an hour.", 1),
    ("A worn spark plug makes it stutter.", 2), ("Slugs ate the lettuce again.", 3),
    ("The tide turns at six; we sail an hour later.", 0), ("Simmer the stock gently, and skim it now and then.", 1),
    ("Bleed the brakes after changing the hose.", 2), ("Sow the beans when the nights are warm.", 3),
    ("Fog hid the lighthouse until noon.", 0), ("Season with salt, lemon and a little butter.", 1),
    ("The fan belt squeals on cold mornings.", 2), ("Compost keeps the soil under the apple trees moist.", 3),
]


def numbers_exact_in_bf16(values: torch.Tensor) -> torch.Tensor:
    """So that a run with BF16 operands starts from the same weights, and the files pack well."""
    return values.to(torch.bfloat16).float()


def random_model(fixture: Fixture, generator: torch.Generator):
    """Weights that keep activations near 1: flat attention and tiny gradients would test nothing.

    What is added to the residual stream is smaller, as in pretrained models: of a sum of equals BF16 keeps less.

    The inputs of a ReLU are kept away from 0 by the bias before it. The derivative jumps there: an input that rounding
    moves across takes its whole gradient with it, and the difference says nothing about the rounding of gradients, which
    the runs with BF16 operands are held to. Near 3 or -3, half of the units are on, with three times the usual output,
    the others off.
    """
    if fixture.is_bert:
        model = BertForSequenceClassification(BertConfig(**fixture.config))
    else:
        model_class = LlamaForSequenceClassification if fixture.classifies else LlamaForCausalLM
        model = model_class(LlamaConfig(**fixture.config))
    tied = fixture.config.get("tie_word_embeddings", False)
    relu = fixture.config.get("hidden_act") == "relu"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                values = 1 + 0.2 * noise
            elif parameter.dim() == 1:
                values = 0.3 * noise
            elif "embed" in name:
                values = (0.4 if tied else 1.0) * noise
            else:
                values = noise / math.sqrt(parameter.shape[1])
            if relu and name.endswith("gate_proj.bias"):
                values = 3 * torch.sign(noise) + values
            if any(module in name for module in RESIDUAL):
                values *= 0.1 if tied or relu else 0.25
            parameter.copy_(numbers_exact_in_bf16(values))
        if fixture.name == "llama_gqa":
            model.model.embed_tokens.weight[0] = 0
    return model


def write_model(fixture: Fixture, folder: pathlib.Path, generator: torch.Generator):
    if fixture.is_minilm:
        make_folder(folder, ["sea", "kitchen", "engine", "garden"])
        return
    folder.mkdir(parents=True)
    model = random_model(fixture, generator)
    # What older configurations did not write is absent, not null.
    config = {key: value for key, value in model.config.to_dict().items() if value is not None}
    config.pop("_name_or_path", None)
    config["architectures"] = [type(model).__name__]
    config["dtype"] = str(fixture.weights).removeprefix("torch.")
    if fixture.old_config:
        for key in ("rope_parameters", "num_key_value_heads", "head_dim", "rms_norm_eps", "attention_bias", "mlp_bias"):
            config.pop(key, None)
        config["torch_dtype"] = config.pop("dtype")
        config |= fixture.old_config
    config = {key: value for key, value in (config | fixture.changed_config).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    tensors = {name: parameter.detach().to(fixture.weights) for name, parameter in model.named_parameters()}
    if not fixture.prefix:
        tensors = {name.removeprefix("model.").removeprefix("bert."): tensor for name, tensor in tensors.items()}
        if fixture.is_bert:  # a buffer that old checkpoints carry
            tensors["embeddings.position_ids"] = torch.arange(fixture.config["max_position_embeddings"])[None]
    if fixture.gamma_beta:
        tensors = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
                   for name, tensor in tensors.items()}
    if fixture.shards == 1:
        write_reproducibly(folder / "model.safetensors", tensors)
        if fixture.packed:
            pack(fixture, folder)
        return
    names, weight_map = sorted(tensors), {}
    for shard in range(fixture.shards):
        file = f"model-{shard + 1:05}-of-{fixture.shards:05}.safetensors"
        part = names[shard::fixture.shards]
        weight_map |= dict.fromkeys(part, file)
        write_reproducibly(folder / file, {name: tensors[name] for name in part})
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def pack(fixture: Fixture, folder: pathlib.Path):
    """The folder's linears as bitsandbytes packs them; transformers writes the files."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=fixture.weights, local_files_only=True,
                                             quantization_config=BitsAndBytesConfig(**fixture.packed))
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        written = json.loads((pathlib.Path(saved) / "config.json").read_text(encoding="utf-8"))
        config["quantization_config"] = written["quantization_config"]
        (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        write_reproducibly(folder / "model.safetensors", load_file(pathlib.Path(saved) / "model.safetensors"))


def load_model(folder: pathlib.Path):
    """The model of a folder as the fixtures run it: FP32, eager attention, no dropout."""
    architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"][0]
    model_class = {kind.__name__: kind for kind in
                   (BertForSequenceClassification, LlamaForCausalLM, LlamaForSequenceClassification)}[architecture]
    return model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True)


def unpack(model):
    """Packed linears become plain ones with what bitsandbytes decodes: for FP64, which it does not compute in."""
    import bitsandbytes as bnb
    for name, module in list(model.named_modules()):
        if isinstance(module, bnb.nn.Linear4bit):
            state = module.weight.quant_state
            shape, state.shape, state.dtype = state.shape, torch.Size([1, state.shape.numel()]), torch.float32
            weight = bnb.functional.dequantize_4bit(module.weight.data.reshape(-1, 1), state).reshape(shape)
        elif isinstance(module, bnb.nn.Linear8bitLt):
            weight = module.weight.CB.float() * (module.weight.SCB * (1.0 / 127.0)).unsqueeze(1)
        else:
            continue
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight.data = weight
        model.set_submodule(name, linear)
    # PEFT goes by these.
    for attribute in ("is_loaded_in_4bit", "is_loaded_in_8bit", "is_quantized", "quantization_method", "hf_quantizer"):
        if hasattr(model, attribute):
            delattr(model, attribute)
    return model


def write_adapter(fixture: Fixture, model_path: pathlib.Path, folder: pathlib.Path, generator: torch.Generator):
    """A PEFT adapter in which no trained tensor has its usual start: a B of zeros would hide dA."""
    task = {"task_type": None if fixture.classifies else "CAUSAL_LM"}
    model = get_peft_model(load_model(model_path), fixture.method(**(task | fixture.adapter)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            noise = torch.randn(parameter.shape, generator=generator)
            if "lora_embedding_A" in name:  # [r, V], a column per token
                parameter.copy_(0.5 * noise)
            elif "lora_embedding_B" in name:
                parameter.copy_(0.2 * noise)
            elif "lora_A" in name:
                parameter.copy_(noise / math.sqrt(3 * parameter.shape[1]))
            elif "lora_B" in name:
                small = fixture.is_minilm or any(module in name for module in RESIDUAL)
                parameter.copy_((0.02 if small else 0.1) * noise)
            elif "vera_lambda_b" in name:  # starts at zeros, which would hide the gradient of d
                parameter.copy_((0.1 if any(module in name for module in RESIDUAL) else 0.3) * noise)
            elif "vera_lambda_d" in name:
                parameter.copy_(0.3 + 0.1 * noise)
            elif "oft_R" in name:
                parameter.copy_(0.05 * noise)
            elif "hada_" in name or "lokr_" in name:
                small = any(module in name for module in RESIDUAL)
                parameter.copy_((0.2 if small else 0.3) * noise)
            elif "miss_block" in name:
                small = any(module in name for module in RESIDUAL)
                parameter.copy_((0.02 if small else 0.1) * noise)
            elif "lora_magnitude_vector" in name:  # near the norms, but not them
                parameter.mul_(1 + 0.1 * noise)
            elif "ia3_l" in name:  # a start of ones would not tell l from its absence
                parameter.copy_(1 + 0.3 * noise)
            elif "classifier" in name:
                parameter.copy_(0.4 * noise / math.sqrt(parameter.shape[-1]))
            else:  # biases, saved modules, trained tokens: near the frozen value, but not it
                parameter.add_(0.1 * noise)
                if "modules_to_save" in name:  # exact as the model's other weights are
                    parameter.copy_(numbers_exact_in_bf16(parameter))
        if fixture.new_embeddings:
            for name, parameter in model.named_parameters():
                if "embed_tokens" in name and name.endswith("weight") or "lm_head" in name:
                    parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
                    parameter.copy_(numbers_exact_in_bf16(parameter))
    model.save_pretrained(folder, save_embedding_layers=fixture.new_embeddings or "auto")
    (folder / "README.md").unlink()
    write_reproducibly(folder / "adapter_model.safetensors", load_file(folder / "adapter_model.safetensors"))
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = None  # else this machine's path
    for key, value in config.items():
        if isinstance(value, list):  # PEFT writes sets, in any order
            config[key] = sorted(value)
    if fixture.short_adapter_config:
        config = {"peft_type": config["peft_type"], "task_type": "CAUSAL_LM"} | fixture.adapter
    file.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def token_batches(fixture: Fixture, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Text of a small random grammar (two successors for every token), so that there is something to learn."""
    count = fixture.settings["steps"] * fixture.settings["accumulate"]
    rows, length = fixture.shape
    vocabulary = fixture.config["vocab_size"]
    first = 3  # after padding, begin and end
    successors = torch.randint(first, vocabulary, (vocabulary, 2), generator=generator)
    ids = torch.empty(count, rows, length, dtype=torch.int64)
    mask = torch.ones_like(ids)
    for i in range(count):
        for j in range(rows):
            token = int(torch.randint(first, vocabulary, (1,), generator=generator))
            for t in range(length):
                ids[i, j, t] = token
                token = int(successors[token, int(torch.randint(0, 2, (1,), generator=generator))])
            short = int(torch.randint(1, length // 2 + 1, (1,), generator=generator)) if j % 2 == 0 else 0
            if fixture.padding == "right" and short:
                mask[i, j, length - short:] = 0
            elif fixture.padding == "left" and short:
                mask[i, j, :short] = 0
            elif fixture.padding == "holes":
                mask[i, j, 2 + j: 4 + j] = 0
    if fixture.padding in ("left", "right"):
        ids[mask == 0] = fixture.config["pad_token_id"]
    if fixture.classifies:
        labels = torch.randint(0, fixture.config["num_labels"], (1, rows), generator=generator)
        ids[:, :, 0] = first + labels  # a hint that the first token carries
        types = {}
        if fixture.pairs:
            begin = torch.randint(2, length - 2, (count, rows, 1), generator=generator)
            second = torch.randint(1, fixture.config["type_vocab_size"], (count, rows, 1), generator=generator)
            types = {"token_type_ids": torch.where(torch.arange(length) < begin, 0, second) * mask}
        return {"input_ids": ids, "attention_mask": mask, "labels": labels.repeat(count, 1)} | types
    labels = ids.clone()
    labels[mask == 0] = -100
    labels[:, 1, :3] = -100  # a prompt
    labels[list(fixture.without_labels)] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def sentence_batches(fixture: Fixture) -> dict[str, torch.Tensor]:
    from transformers import BertTokenizerFast
    tokenizer = BertTokenizerFast.from_pretrained(model_folder(), local_files_only=True)
    text = tokenizer([text for text, _ in MINILM_TEXTS], padding=True, return_tensors="pt")
    batches = {"input_ids": text["input_ids"], "attention_mask": text["attention_mask"],
               "labels": torch.tensor([label for _, label in MINILM_TEXTS])}
    # Two batches of eight, over and over.
    return {name: torch.cat([tensor.unflatten(0, (2, 8))] * (fixture.settings["steps"] // 2))
            for name, tensor in batches.items()}


def file_name(parameter: str) -> str:
    """PEFT's name of a parameter at run time -> its name in adapter_model.safetensors."""
    parameter = parameter.replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector")
    return parameter.replace(".modules_to_save.default.", ".").replace(".default.", ".").removesuffix(".default")


def schedule_factor(settings: dict, step: int) -> float:
    """The multiplier of transformers' get_*_schedule_with_warmup at step 0, 1, ..."""
    warmup, total = settings["warmup"], settings["total"]
    if step < warmup:
        return step / max(1, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return {"constant": 1.0, "linear": max(0.0, 1 - progress),
            "cosine": max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))}[settings["schedule"]]


def optimizer_of(settings: dict, model, parameters: list):
    if "lora_plus" in settings:
        return create_loraplus_optimizer(
            model, torch.optim.AdamW, lr=settings["lr"], betas=tuple(settings["betas"]), eps=settings["eps"],
            loraplus_lr_ratio=settings["lora_plus"]["ratio"], loraplus_weight_decay=settings["weight_decay"],
            loraplus_lr_embedding=settings["lora_plus"]["embedding_lr"])
    if settings["optimizer"] == "adamw":
        return torch.optim.AdamW(parameters, lr=settings["lr"], betas=tuple(settings["betas"]), eps=settings["eps"],
                                 weight_decay=settings["weight_decay"])
    return torch.optim.SGD(parameters, lr=settings["lr"], momentum=settings["momentum"],
                           dampening=settings["dampening"], nesterov=settings["nesterov"],
                           weight_decay=settings["weight_decay"])


class Run:
    """A model and its adapter, read from their folders, and the batches."""

    def __init__(self, folder: pathlib.Path, settings: dict, batches: dict, dtype: torch.dtype):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # PEFT warns of a missing or surplus tensor
            warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
            # Such adapters are on purpose independent of the tied head, which PEFT remarks on.
            warnings.filterwarnings("ignore", message=".*tie_word_embeddings.*")
            # PEFT does not know the sizes of a normalisation, which LayerNorm tuning does not need.
            warnings.filterwarnings("ignore", message="Unsupported layer type .*Norm'")
            model = load_model(folder / "model")
            self.packed = getattr(model, "is_quantized", False)
            if self.packed and dtype != torch.float32:
                model = unpack(model)
            self.model = PeftModel.from_pretrained(model, folder / "adapter", is_trainable=True)
        if settings.get("lora_fa"):  # LoRA-FA, without what PEFT's own optimizer for it does to the gradients of B
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(parameter.requires_grad and ".lora_A." not in name)
        self.dropouts = use_counter_dropout(self.model, settings.get("seed", 0))
        if self.packed and dtype == torch.float32:
            self.model.train()  # else bitsandbytes may round scales and activations; there is no dropout
        else:
            self.model.to(dtype).eval()
        for module in self.model.modules():  # DoRA asks its layer, not the dropout, whether this is training
            if self.dropouts and len(getattr(module, "lora_magnitude_vector", {})) > 0:
                module.training = True
        self.settings, self.batches = settings, batches
        self.causal = batches["labels"].dim() == 3

    def inputs(self, i: int) -> dict:
        """Of micro-batch i, whose dropout mask holds from now on."""
        for dropout in self.dropouts:
            dropout.step = i
        return {key: tensor[i] for key, tensor in self.batches.items() if key != "labels"}

    def logits(self, i: int) -> torch.Tensor:
        with torch.no_grad():
            return self.model(**self.inputs(i)).logits.detach()

    def losses(self, step: int):
        """The parts of a step's loss, one for each micro-batch; they add up to the loss."""
        size = self.settings["accumulate"]
        group = range(step * size, (step + 1) * size)
        kept = sum(int((self.batches["labels"][i][:, 1:] != -100).sum()) for i in group) if self.causal else None
        for i in group:
            if self.causal and size > 1:
                yield self.model(**self.inputs(i), labels=self.batches["labels"][i], num_items_in_batch=kept).loss
            else:
                yield self.model(**self.inputs(i), labels=self.batches["labels"][i]).loss / size

    def backward(self, step: int) -> float:
        self.model.zero_grad()
        total = 0.0
        for loss in self.losses(step):
            loss.backward()
            total += loss.item()
        return total

    def loss(self, step: int) -> float:
        with torch.no_grad():
            return sum(loss.item() for loss in self.losses(step))

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """By name in the file; after backward(). (With bias="all" an unused original head is trainable as well.)"""
        return {file_name(name): p for name, p in self.model.named_parameters() if p.grad is not None}

    def train(self) -> dict[str, torch.Tensor]:
        """All expected tensors."""
        expected = {"logits0": self.logits(0)}
        optimizer, losses = None, []
        for step in range(self.settings["steps"]):
            losses.append(self.backward(step))
            trained = self.trained()
            if step == 0:
                expected |= {"grad." + name: p.grad.clone() for name, p in trained.items()}
                optimizer = optimizer_of(self.settings, self.model, list(trained.values()))
                rates = [group["lr"] for group in optimizer.param_groups]
            if self.settings["clip_norm"] is not None:
                torch.nn.utils.clip_grad_norm_(trained.values(), self.settings["clip_norm"])
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule_factor(self.settings, step)
            optimizer.step()
        expected |= {"final." + name: p.detach().clone() for name, p in self.trained().items()}
        # The names are those that PEFT itself would write.
        written = get_peft_model_state_dict(self.model, save_embedding_layers=False)  # they are frozen
        for name, parameter in self.trained().items():
            assert torch.equal(written[name], parameter), name
        assert not [name for name in written if name not in self.trained() and "original_module" not in name
                    and "classifier.modules_to_save.bias" not in name
                    and not (self.settings.get("lora_fa") and ".lora_A." in name)
                    and name not in ("base_model.vera_A", "base_model.vera_B")]
        return expected | {"losses": torch.tensor(losses, dtype=torch.float64), "logits_final": self.logits(0)}


def relative(found: torch.Tensor, right: torch.Tensor) -> float:
    return (torch.linalg.norm(found.double() - right.double()) / torch.linalg.norm(right.double())).item()


def vector(tensors: dict, prefix: str) -> torch.Tensor:
    return torch.cat([tensors[name].double().flatten() for name in sorted(tensors) if name.startswith(prefix)])


@contextlib.contextmanager
def double_precision():
    """transformers computes norms, softmax, rotary angles and losses in FP32 whatever the model's type; here in FP64."""
    with unittest.mock.patch.object(torch, "float32", torch.float64), \
            unittest.mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
        yield


def without_masked_rows(batches: dict) -> dict:
    """The batches less the labels that a padding row on the left predicts.

    All keys of such a row are masked: its scores disappear beside the mask that eager attention adds, its attention is
    uniform, and a central difference is zero. Autograd does not know and passes a gradient on to the scores.
    """
    if batches["labels"].dim() == 2:
        return batches
    labels = batches["labels"].clone()
    labels[..., 1:][batches["attention_mask"][..., :-1].cumsum(-1) == 0] = -100
    return batches | {"labels": labels}


@contextlib.contextmanager
def constant_norms():
    """DoRA's norms are constants to the derivative: here they stay those of the first forward pass."""
    norms, compute = {}, DoraLinearLayer.get_weight_norm

    def first_norm(layer, *arguments, **options):
        if layer not in norms:
            norms[layer] = compute(layer, *arguments, **options).detach()
        return norms[layer]

    with unittest.mock.patch.object(DoraLinearLayer, "get_weight_norm", first_norm):
        yield


def difference_error(run: Run, generator: torch.Generator) -> float:
    """Largest error of a directional derivative, over the norm of that tensor's gradient."""
    run.backward(0)
    worst, total = 0.0, math.sqrt(sum(float(p.grad.norm()) ** 2 for p in run.trained().values()))
    for parameter in run.trained().values():
        gradient = parameter.grad.clone()
        # A key's bias of BERT has no gradient but rounding noise: it is measured against all gradients.
        norm = max(float(gradient.norm()), 1e-6 * total)
        noise = torch.randn(gradient.shape, generator=generator, dtype=gradient.dtype)
        direction = gradient / norm + noise / noise.norm()
        start, step = parameter.detach().clone(), 1e-4
        with torch.no_grad():
            parameter.copy_(start + step * direction)
            above = run.loss(0)
            parameter.copy_(start - step * direction)
            below = run.loss(0)
            parameter.copy_(start)
        slope = float((gradient * direction).sum())
        worst = max(worst, abs((above - below) / (2 * step) - slope) / norm)
    return worst


def relu_distance(run: Run) -> float:
    """The smallest distance from 0 of what enters a ReLU in the first batch; infinite without any."""
    distances = [torch.tensor(math.inf)]
    hooks = [module.register_forward_hook(lambda _, inputs, __: distances.append(inputs[0].abs().min().float()))
             for module in run.model.modules() if isinstance(module, torch.nn.ReLU)]
    run.logits(0)
    for hook in hooks:
        hook.remove()
    return torch.stack(distances).min().item()  # NaN if there is one


def make(fixture: Fixture, out: pathlib.Path, seed: int):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    folder = out / fixture.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = fixture.settings | {"total": fixture.settings["steps"]}
    write_model(fixture, folder / "model", generator)
    write_adapter(fixture, folder / "model", folder / "adapter", generator)
    batches = sentence_batches(fixture) if fixture.is_minilm else token_batches(fixture, generator)
    write_reproducibly(folder / "batches.safetensors", batches)
    (folder / "settings.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    run = Run(folder, settings, batches, torch.float32)
    distance = relu_distance(run)
    expected = run.train()
    precise_run = Run(folder, settings, batches, torch.float64)
    checked_run = Run(folder, settings, without_masked_rows(batches), torch.float64)
    with double_precision():
        with constant_norms():
            difference = difference_error(checked_run, generator)
        before, precise, after = precise_run.loss(0), precise_run.train(), precise_run.loss(0)
    errors = {"losses": relative(expected["losses"], precise["losses"]),
              "logits": relative(expected["logits0"], precise["logits0"]),
              "gradients": relative(vector(expected, "grad."), vector(precise, "grad.")),
              "finals": max(relative(expected[name], precise[name]) for name in expected if name.startswith("final."))}
    write_reproducibly(folder / "expected.safetensors", {name: tensor.float() for name, tensor in expected.items()})
    size = sum(file.stat().st_size for file in folder.rglob("*")
               if file.is_file() and not (fixture.is_minilm and file.parent.name == "model"))
    print(f"{fixture.name:21} first loss {before:.4f} -> {after:.4f}, {size / 1e3:3.0f} kB; difference {difference:.0e}; "
          "FP32 - FP64: " + ", ".join(f"{key} {error:.0e}" for key, error in errors.items()), flush=True)
    assert after < before
    assert difference < 1e-5
    assert errors["losses"] < 2e-6 and errors["logits"] < 2e-6 and errors["gradients"] < 5e-6
    assert errors["finals"] < 1e-4
    assert distance > RELU_DISTANCE, distance
    assert size < 200e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="fixtures to make; all if none is named")
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {fixture.name for fixture in FIXTURES}
    if unknown:
        parser.error(f"no fixture is called {', '.join(sorted(unknown))}; there are "
                     + ", ".join(fixture.name for fixture in FIXTURES))
    # One thread: with several, the order of torch's sums and so the last bits depend on their number.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # MiniLM's classifier is not in the model's file: it comes with the adapter
    warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
    for i, fixture in enumerate(FIXTURES):
        if not arguments.names or fixture.name in arguments.names:
            make(fixture, arguments.out, 1000 * arguments.seed + i)


if __name__ == "__main__":
    main()
