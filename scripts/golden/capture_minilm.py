#!/usr/bin/env python3
"""Captures real LoRA training steps of MiniLM-L6 as test fixtures.

MiniLM-L6 (pretrained) is fine-tuned with PEFT to tell the topics of a few dozen sentences apart. After some AdamW steps
the tensors that one adapted linear layer meets in the next step are written to NAME.safetensors, rounded to the formats
that the accelerator keeps them in. NAME.expected.safetensors holds what torch computes in FP32 from exactly those
rounded tensors: a reference that shares no code with corank.
"""

import argparse
import importlib.metadata
import itertools
import math
import pathlib
from dataclasses import dataclass

import torch
from peft import LoraConfig, get_peft_model
from transformers import BertForSequenceClassification, BertTokenizerFast

from minilm_folder import MODEL_PACKAGE, model_folder
from safetensors_file import write_reproducibly

HERE = pathlib.Path(__file__).resolve().parent


@dataclass
class Capture:
    """One fixture: which layer, with which adapter, when, and how many tokens."""

    name: str
    layer: str  # below `bert.`
    rank: int
    alpha: int
    rank_stabilized: bool
    steps_before: int  # optimizer steps before the captured one
    sentences: int  # in the captured batch
    tokens: int  # in the captured batch, without padding


CAPTURES = [
    Capture("minilm_query", "encoder.layer.3.attention.self.query", 8, 16, False, 24, 4, 64),
    # Odd sizes everywhere that the model allows it: 33 tokens, rank 4, alpha / sqrt(rank).
    Capture("minilm_value_small", "encoder.layer.3.attention.self.value", 4, 8, True, 30, 2, 33),
]

# torch's defaults, written out because the fixtures carry them.
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}


def read_sentences() -> tuple[list[str], list[str], list[int]]:
    lines = (HERE / "sentences.tsv").read_text(encoding="utf-8").splitlines()
    topics, texts = zip(*(line.split("\t") for line in lines))
    names = sorted(set(topics))
    return names, list(texts), [names.index(topic) for topic in topics]


def batch_of(lengths: list[int], labels: list[int], sentences: int, tokens: int) -> list[int]:
    """The first sentences, each of another topic, that have exactly `tokens` tokens together."""
    for chosen in itertools.combinations(range(len(lengths)), sentences):
        if len({labels[i] for i in chosen}) == sentences and sum(lengths[i] for i in chosen) == tokens:
            return list(chosen)
    raise SystemExit(f"no {sentences} sentences have {tokens} tokens together")


def bf16(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.bfloat16).contiguous()


def fp32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float32).clone().contiguous()


def train_and_capture(capture: Capture, seed: int) -> tuple[dict, dict, dict]:
    """Returns the tensors and the metadata of the fixture, and the gradients that PEFT itself computed."""
    torch.manual_seed(seed)
    folder = model_folder()
    topics, texts, labels = read_sentences()
    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    # No dropout: a captured step must be a function of the captured tensors alone.
    model = BertForSequenceClassification.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, num_labels=len(topics),
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager")
    model = get_peft_model(model, LoraConfig(
        task_type="SEQ_CLS", r=capture.rank, lora_alpha=capture.alpha, lora_dropout=0.0,
        use_rslora=capture.rank_stabilized, target_modules=["query", "value"]))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], **ADAMW)

    def backward(indices):
        batch = tokenizer([texts[i] for i in indices], padding=True, return_tensors="pt")
        loss = model(**batch, labels=torch.tensor([labels[i] for i in indices])).loss
        optimizer.zero_grad()
        loss.backward()
        return batch["attention_mask"].bool(), loss.item()

    order = torch.Generator().manual_seed(seed)
    for step in range(1, capture.steps_before + 1):
        _, loss = backward(torch.randperm(len(texts), generator=order)[:8].tolist())
        optimizer.step()
        print(f"{capture.name}: step {step}, loss {loss:.4f}")

    # One more forward and backward pass; its update is left to whoever replays the fixture.
    layer = model.get_submodule("base_model.model.bert." + capture.layer)
    seen = {}

    def watch(_module, inputs, output):
        seen["x"] = inputs[0].detach()
        output.register_hook(lambda gradient: seen.update(dy=gradient.detach()))

    handle = layer.register_forward_hook(watch)
    lengths = [len(tokenizer(text)["input_ids"]) for text in texts]
    indices = batch_of(lengths, labels, capture.sentences, capture.tokens)
    mask, loss = backward(indices)
    handle.remove()
    print(f"{capture.name}: captured step {capture.steps_before + 1}, loss {loss:.4f}, sentences {indices}")
    # Dropping the padding rows loses nothing: no gradient reaches them.
    assert torch.count_nonzero(seen["dy"][~mask]) == 0

    tensors = {
        "x": bf16(seen["x"][mask]),
        "dy": bf16(seen["dy"][mask]),
        "weight": bf16(layer.base_layer.weight),
        "bias": fp32(layer.base_layer.bias),
    }
    gradients = {}
    for name in ("lora_A", "lora_B"):
        parameter = getattr(layer, name)["default"].weight
        gradients[name + "_grad"] = fp32(parameter.grad)
        tensors[name] = fp32(parameter)
        tensors[name + ".exp_avg"] = fp32(optimizer.state[parameter]["exp_avg"])
        tensors[name + ".exp_avg_sq"] = fp32(optimizer.state[parameter]["exp_avg_sq"])
    metadata = {
        "format": "pt",
        "r": str(capture.rank),
        "lora_alpha": str(capture.alpha),
        "use_rslora": "true" if capture.rank_stabilized else "false",
        "step": str(capture.steps_before + 1),  # of the update to do next, counted from 1
        "lr": repr(ADAMW["lr"]),
        "beta1": repr(ADAMW["betas"][0]),
        "beta2": repr(ADAMW["betas"][1]),
        "eps": repr(ADAMW["eps"]),
        "weight_decay": repr(ADAMW["weight_decay"]),
        "model": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        "layer": capture.layer,
        "text": " ".join(texts[i] for i in indices),
        "seed": str(seed),
        "made_with": ", ".join(f"{p} {importlib.metadata.version(p)}"
                               for p in ("torch", "transformers", "peft", MODEL_PACKAGE)),
    }
    return tensors, metadata, gradients


def expected_of(tensors: dict, metadata: dict) -> dict:
    """The same step by torch in FP32: plain modules, autograd and torch.optim.AdamW."""
    root = math.sqrt(int(metadata["r"])) if metadata["use_rslora"] == "true" else int(metadata["r"])
    scale = int(metadata["lora_alpha"]) / root
    x = tensors["x"].float().requires_grad_()
    masters = {name: torch.nn.Parameter(tensors[name].clone()) for name in ("lora_A", "lora_B")}
    y = torch.nn.functional.linear(x, tensors["weight"].float(), tensors["bias"])
    y = y + scale * torch.nn.functional.linear(torch.nn.functional.linear(x, masters["lora_A"]), masters["lora_B"])
    y.backward(tensors["dy"].float())

    expected = {"y": fp32(y), "dx": fp32(x.grad)}
    optimizer = torch.optim.AdamW(masters.values(), **ADAMW)
    for name, master in masters.items():
        expected[name + "_grad"] = fp32(master.grad)
        optimizer.state[master] = {
            "step": torch.tensor(float(metadata["step"]) - 1),
            "exp_avg": tensors[name + ".exp_avg"].clone(),
            "exp_avg_sq": tensors[name + ".exp_avg_sq"].clone(),
        }
    optimizer.step()
    for name, master in masters.items():
        expected[name + ".new"] = fp32(master)
        for moment in ("exp_avg", "exp_avg_sq"):
            expected[f"{name}.{moment}.new"] = fp32(optimizer.state[master][moment])
    return expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parents[1] / "tests" / "fixtures")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # One thread: with several, the order of torch's sums and so the last bits depend on their number.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for capture in CAPTURES:
        tensors, metadata, gradients = train_and_capture(capture, arguments.seed)
        expected = expected_of(tensors, metadata)
        # The model's own gradients come from unrounded tensors; BF16 keeps 8 significant bits, so a relative error
        # above 2^-7 would mean that the fixture is not the step that PEFT did.
        for name, gradient in gradients.items():
            error = (torch.linalg.norm(expected[name] - gradient) / torch.linalg.norm(gradient)).item()
            print(f"{capture.name}: {name} differs from PEFT's by {error:.1e} (rounding to BF16)")
            assert error < 2**-7
        for suffix, content in (("", tensors), (".expected", expected)):
            write_reproducibly(arguments.out / f"{capture.name}{suffix}.safetensors", content, metadata)


if __name__ == "__main__":
    main()
