#!/usr/bin/env python3
"""Writes everything that the example's runs need into a folder.

    model/                   MiniLM-L6 with a head of one label a section
    adapter/                 a new LoRA adapter, made by PEFT
    epoch1.safetensors, ...  the training set, in another order each epoch
    held_out.safetensors     descriptions of other source packages

Batches are input_ids and attention_mask I64 [steps, batch, tokens], labels I64 [steps, batch].
"""

import argparse
import json
import pathlib
import warnings

import torch
from peft import LoraConfig, get_peft_model
from transformers import BertTokenizerFast
from transformers.utils import logging

from debian_packages import SECTIONS, choose
from finetune_fixtures import load_model
from minilm_folder import make_folder
from safetensors_file import write_reproducibly


def write_batches(path: pathlib.Path, tokenizer, examples: list, batch: int, tokens: int):
    """The last examples that fill no batch are left out."""
    steps = len(examples) // batch
    examples = examples[:steps * batch]
    text = tokenizer([text for text, _ in examples], padding="max_length", truncation=True, max_length=tokens,
                     return_tensors="pt")
    write_reproducibly(path, {
        "input_ids": text["input_ids"].reshape(steps, batch, tokens),
        "attention_mask": text["attention_mask"].reshape(steps, batch, tokens),
        "labels": torch.tensor([label for _, label in examples]).reshape(steps, batch),
    })


def write_new_adapter(model, folder: pathlib.Path):
    """Of a PEFT model, without the place where its base is."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"base_model_name_or_path": None}
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--training", type=int, default=60, help="descriptions a section")
    parser.add_argument("--held-out", type=int, default=20, help="descriptions a section")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
    logging.set_verbosity_error()  # the classifier is not in the model's file: it comes with the adapter

    training, held_out = choose(SECTIONS, arguments.training, arguments.held_out, arguments.seed)
    make_folder(arguments.out / "model", SECTIONS)
    write_new_adapter(get_peft_model(load_model(arguments.out / "model"), LoraConfig(
        task_type="SEQ_CLS", r=arguments.rank, lora_alpha=2 * arguments.rank, lora_dropout=0.0,
        target_modules=["query", "value"])), arguments.out / "adapter")
    tokenizer = BertTokenizerFast.from_pretrained(arguments.out / "model", local_files_only=True)
    for epoch in range(1, arguments.epochs + 1):
        order = torch.randperm(len(training)).tolist()
        write_batches(arguments.out / f"epoch{epoch}.safetensors", tokenizer, [training[i] for i in order],
                      arguments.batch, arguments.tokens)
    write_batches(arguments.out / "held_out.safetensors", tokenizer, held_out, arguments.batch, arguments.tokens)
    print(f"{len(training)} descriptions to train on and {len(held_out)} held out, from {len(SECTIONS)} sections: "
          + ", ".join(SECTIONS))


if __name__ == "__main__":
    main()
