"""corank's dropout in PEFT: the mask is a function of seed, module, step and element (models/ops/dropout.h)."""

import numpy as np
import torch
from peft import PeftModel


def mix(x: np.ndarray) -> np.ndarray:
    """splitmix64 of 64-bit integers."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def kept(seed: int, stream: int, step: int, rate: float, count: int) -> np.ndarray:
    """Which of `count` elements are kept."""
    key = np.array([seed], dtype=np.uint64)
    key = mix(mix(mix(key) ^ np.uint64(stream)) ^ np.uint64(step))
    return (mix(key ^ np.arange(count, dtype=np.uint64)) >> np.uint64(32)) >= np.uint64(round(rate * 2.0**32))


class CounterDropout(torch.nn.Module):
    """Stands for torch.nn.Dropout; the same in training and evaluation."""

    def __init__(self, rate: float, seed: int, stream: int):
        super().__init__()
        self.rate, self.seed, self.stream, self.step = rate, seed, stream, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = torch.from_numpy(kept(self.seed, self.stream, self.step, self.rate, x.numel())).reshape(x.shape)
        return torch.where(mask, x * float(np.float32(1 / (1 - self.rate))), 0)


def use_counter_dropout(model: PeftModel, seed: int) -> list[CounterDropout]:
    """Replaces the dropout of every adapter; streams are counted in the order of the modules."""
    dropouts = []
    for module in list(model.modules()):
        adapters = getattr(module, "lora_dropout", {})
        if "default" in adapters and isinstance(adapters["default"], torch.nn.Dropout):
            adapters["default"] = CounterDropout(adapters["default"].p, seed, len(dropouts))
            dropouts.append(adapters["default"])
    return dropouts
