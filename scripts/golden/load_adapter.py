#!/usr/bin/env python3
"""Loads an adapter folder with PEFT, any warning being an error, and compares the logits with those in a file.

    load_adapter.py MODEL ADAPTER BATCHES EXPECTED [--tensor logits_final] [--micro-batch 0]

MODEL and ADAPTER are folders, BATCHES has input_ids, attention_mask and maybe token_type_ids [M, batch, seq]. Exit code 0:
equal within the tolerance (relative L2); 1: not equal, or PEFT warned.
"""

import argparse
import pathlib
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers.utils import logging

from finetune_fixtures import load_model


def load(model: pathlib.Path, adapter: pathlib.Path):
    base = load_model(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers, whatever the adapter
        # That adapters of a tied embedding and of its head are independent is what they are meant to be.
        warnings.filterwarnings("ignore", message=".*tie_word_embeddings.*")
        # PEFT does not know the sizes of a normalisation, which LayerNorm tuning does not need.
        warnings.filterwarnings("ignore", message="Unsupported layer type .*Norm'")
        return PeftModel.from_pretrained(base, adapter).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("adapter", type=pathlib.Path)
    parser.add_argument("batches", type=pathlib.Path)
    parser.add_argument("expected", type=pathlib.Path)
    parser.add_argument("--tensor", default="logits_final")
    parser.add_argument("--micro-batch", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # a classification head that is not in the model's file comes with the adapter

    try:
        model = load(arguments.model, arguments.adapter)
    except Warning as warning:
        print(f"{arguments.adapter}: PEFT warns: {warning}")
        sys.exit(1)
    batches = load_file(arguments.batches)
    with torch.no_grad():
        inputs = {name: tensor[arguments.micro_batch] for name, tensor in batches.items() if name != "labels"}
        logits = model(**inputs).logits.double()
    expected = load_file(arguments.expected)[arguments.tensor].double()
    if logits.shape != expected.shape:
        print(f"{arguments.adapter}: logits are {list(logits.shape)}, {arguments.tensor} is {list(expected.shape)}")
        sys.exit(1)
    error = (torch.linalg.norm(logits - expected) / torch.linalg.norm(expected)).item()
    equal = error <= arguments.tolerance  # false for NaN
    print(f"{arguments.adapter}: logits differ by {error:.1e} from {arguments.tensor}, "
          f"{'within' if equal else 'beyond'} {arguments.tolerance:.0e}")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
