#!/usr/bin/env python3
"""Scores the adapters of the example with PEFT on the held-out set; writes a table and a plot.

The folder is that of prepare.py, with a run of corank in epoch1/, epoch2/, ... Writes table.md and plot.svg there.
"""

import argparse
import json
import pathlib

import matplotlib
import torch
from safetensors.torch import load_file
from transformers.utils import logging

from load_adapter import load

matplotlib.use("svg")
# Text as text, and no random names inside: a plot that did not change leaves its file as it was.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "corank", "font.size": 9}
import matplotlib.pyplot as plt  # noqa: E402 (after the backend)


def score(model, batches: dict) -> tuple[float, float]:
    """Mean loss and accuracy."""
    with torch.no_grad():
        logits = model(input_ids=batches["input_ids"].flatten(0, 1),
                       attention_mask=batches["attention_mask"].flatten(0, 1)).logits
    labels = batches["labels"].flatten()
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return loss.item(), (logits.argmax(-1) == labels).float().mean().item()


def plot(path: pathlib.Path, losses: list[list[float]], scores: list[tuple[float, float]]):
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    flat = sum(losses, [])
    ends, end = [0], 0
    for epoch in losses:
        end += len(epoch)
        ends.append(end)
    left.plot(range(1, len(flat) + 1), flat, color="#9ab", linewidth=0.8, label="training, each step")
    left.plot(ends, [loss for loss, _ in scores], "o-", color="#c40", markersize=4, label="held out")
    left.set(xlabel="step", ylabel="loss", ylim=(0, None), xlim=(0, None))
    left.legend(frameon=False)
    right.plot(range(len(scores)), [100 * accuracy for _, accuracy in scores], "o-", color="#c40", markersize=4)
    right.set(xlabel="epochs", ylabel="held-out accuracy [%]", ylim=(0, 100), xticks=range(len(scores)))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    logging.disable_progress_bar()
    logging.set_verbosity_error()

    held_out = load_file(folder / "held_out.safetensors")
    runs = []
    while (folder / f"epoch{len(runs) + 1}" / "report.json").exists():
        runs.append(folder / f"epoch{len(runs) + 1}")
    if not runs:
        raise SystemExit(f"{folder}: no epoch1/report.json: run scripts/example-debian")
    losses = [json.loads((run / "report.json").read_text())["training"]["losses"] for run in runs]
    scores = [score(load(folder / "model", adapter), held_out)
              for adapter in [folder / "adapter"] + [run / "adapter" for run in runs]]

    lines = ["| epochs | training loss | held-out loss | held-out accuracy |", "| --- | --- | --- | --- |"]
    for epoch, (loss, accuracy) in enumerate(scores):
        training = f"{sum(losses[epoch - 1]) / len(losses[epoch - 1]):.2f}" if epoch else ""
        lines.append(f"| {epoch} | {training} | {loss:.2f} | {100 * accuracy:.0f} % |")
    (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    plot(folder / "plot.svg", losses, scores)


if __name__ == "__main__":
    main()
