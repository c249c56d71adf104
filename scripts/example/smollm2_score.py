#!/usr/bin/env python3
"""Says what SmolLM2's training came to: losses, what the model writes, what a step cost on the device; draws a plot.

The folder is that of smollm2_prepare.py with the runs of corank in before/, trained/ and after/. What corank trained is read
by transformers and PEFT, in FP32. Writes table.md and plot.svg there.
"""

import argparse
import json
import pathlib
import warnings

import matplotlib
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

matplotlib.use("svg")
# Text as text, and no random names inside: a plot that did not change leaves its file as it was.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "corank", "font.size": 9}
import matplotlib.pyplot as plt  # noqa: E402 (after the backend)


def load(folder: pathlib.Path, adapter: pathlib.Path):
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32, local_files_only=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers, whatever the adapter
        return PeftModel.from_pretrained(model, adapter).eval()


def held_out_loss(model, batches: dict) -> float:
    """Every row has as many labels, so the mean of the rows is the mean over labels."""
    with torch.no_grad():
        losses = [model(input_ids=ids, labels=labels).loss.item()
                  for ids, labels in zip(batches["input_ids"], batches["labels"])]
    return sum(losses) / len(losses)


def completion(model, tokenizer, prompt: str, tokens: int = 24) -> str:
    """The likeliest tokens, to the end of the line."""
    inputs = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)[0, inputs["input_ids"].shape[1]:]
    return tokenizer.decode(ids, skip_special_tokens=True).strip().split("\n")[0]


def plot(path: pathlib.Path, losses: list[float], held_out: list[float]):
    figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
    axes.plot(range(1, len(losses) + 1), losses, color="#9ab", linewidth=0.8, label="training, each step")
    axes.plot([0, len(losses)], held_out, "o--", color="#c40", markersize=4, label="held out")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None), xlim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    logging.disable_progress_bar()
    logging.set_verbosity_error()

    reports = {run: json.loads((folder / run / "report.json").read_text()) for run in ("before", "trained", "after")}
    tokenizer = AutoTokenizer.from_pretrained(folder / "model", local_files_only=True)
    prompts = json.loads((folder / "prompts.json").read_text())
    batches = load_file(folder / "held_out.safetensors")
    peft_losses, texts = [], []
    for adapter in (folder / "adapter", folder / "trained/adapter"):
        model = load(folder, adapter)
        peft_losses.append(held_out_loss(model, batches))
        texts.append([completion(model, tokenizer, prompt["prompt"]) for prompt in prompts])

    losses = reports["trained"]["training"]["losses"]
    held_out = [reports[run]["evaluation"] for run in ("before", "after")]
    device = reports["trained"]["device"]
    steps = len(losses)
    step = {key: device["all_steps"][key] / steps for key in ("cycles", "step_ns")}
    lines = [f"| | before | after {steps} steps |", "| --- | --- | --- |",
             "| held-out loss, forward passes on the device | " + " | ".join(f"{one['loss']:.3f}" for one in held_out) + " |",
             "| perplexity | " + " | ".join(f"{one['perplexity']:.1f}" for one in held_out) + " |",
             "| the same loss by transformers and PEFT, FP32 | " + " | ".join(f"{loss:.3f}" for loss in peft_losses) + " |"]
    for i, prompt in enumerate(prompts):
        name, section = (line.split(": ")[1] for line in prompt["prompt"].split("\n")[:2])
        lines.append(f"| {name} ({section}; Debian says: {prompt['text']}) | " +
                     " | ".join(of_adapter[i] for of_adapter in texts) + " |")
    lines += ["", "| a step of training on the device | |", "| --- | --- |",
              f"| cycles | {step['cycles'] / 1e6:.2f} M |",
              f"| time at {device['machine']['clock_mhz']:.0f} MHz | {step['step_ns'] / 1e6:.1f} ms |",
              f"| tokens a second, with transfers over the link | {device['tokens_per_s']:.0f} |",
              f"| energy | {device['energy']['total_pj'] / 1e12 / steps:.3f} J, "
              f"{device['silicon']['j_per_token']:.2e} J a token |",
              f"| CPU time of the cycle model | {device['simulation']['cpu_s'] / steps:.1f} s |"]
    (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    plot(folder / "plot.svg", losses, [one["loss"] for one in held_out])


if __name__ == "__main__":
    main()
