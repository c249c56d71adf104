#!/usr/bin/env python3
"""Writes what SmolLM2's runs need beside its model folder.

    adapter/                a new LoRA adapter of all linears of the layers, made by PEFT
    training.safetensors    entries of packages, one step of one row of tokens after another
    first_step.safetensors  the first of them
    held_out.safetensors    the same of other source packages
    prompts.json            beginnings of held-out entries, each with how it goes on

An entry is "Package: NAME", "Section: SECTION", "Description: TEXT", a line each, and an empty line. Batches are input_ids
and labels I64 [steps, 1, tokens].
"""

import argparse
import json
import pathlib
import random
import warnings

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from debian_packages import SECTIONS, read_descriptions
from prepare import write_new_adapter
from safetensors_file import write_reproducibly

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def prompt_of(package: str, section: str) -> str:
    return f"Package: {package}\nSection: {section}\nDescription:"


def shuffled_entries(seed: int) -> list[tuple[str, str]]:
    """(prompt, description) of a package of each source package of the sections."""
    entries = [(prompt_of(source, section), text)
               for section, texts in read_descriptions(SECTIONS).items() for source, text in sorted(texts.items())]
    random.Random(seed).shuffle(entries)
    return entries


def rows_of(tokenizer, entries: list[tuple[str, str]], steps: int, tokens: int) -> tuple[torch.Tensor, int]:
    """[steps, 1, tokens] of as many entries, from the first on, as fill so many rows; and how many these are."""
    ids, used = [], 0
    for prompt, text in entries:
        if len(ids) >= steps * tokens:
            break
        ids += tokenizer(f"{prompt} {text}\n\n")["input_ids"]
        used += 1
    if len(ids) < steps * tokens:
        raise SystemExit(f"the descriptions of packages have {len(ids)} tokens, expected {steps * tokens}: run apt-get "
                         "update first")
    return torch.tensor(ids[:steps * tokens]).reshape(steps, 1, tokens), used


def write_batches(path: pathlib.Path, rows: torch.Tensor):
    write_reproducibly(path, {"input_ids": rows, "labels": rows.clone()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="with the folder model/")
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--held-out", type=int, default=8, help="rows")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--prompts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers

    out = arguments.out
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32, local_files_only=True)
    write_new_adapter(get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=arguments.rank, lora_alpha=2 * arguments.rank, lora_dropout=0.0,
        target_modules=LINEARS)), out / "adapter")

    tokenizer = AutoTokenizer.from_pretrained(out / "model", local_files_only=True)
    entries = shuffled_entries(arguments.seed)
    rows, held_out = rows_of(tokenizer, entries, arguments.held_out, arguments.tokens)
    write_batches(out / "held_out.safetensors", rows)
    rows, training = rows_of(tokenizer, entries[held_out:], arguments.steps, arguments.tokens)
    write_batches(out / "training.safetensors", rows)
    write_batches(out / "first_step.safetensors", rows[:1])
    prompts = [{"prompt": prompt, "text": text} for prompt, text in entries[:arguments.prompts]]
    (out / "prompts.json").write_text(json.dumps(prompts, indent=2) + "\n", encoding="utf-8")
    print(f"{training} packages to train on and {held_out} held out, from {len(SECTIONS)} sections: "
          + ", ".join(SECTIONS))


if __name__ == "__main__":
    main()
