"""corank's dropout in PEFT: the mask is a function of seed, module, step and element (models/ops/dropout.h)."""

import numpy as np
import torch
from peft import PeftModel


def rotated(x: np.ndarray, count: int) -> np.ndarray:
    return (x << np.uint32(count)) | (x >> np.uint32(32 - count))


def threefry(key: tuple, counter: tuple) -> tuple:
    """Threefry-2x32 with 20 rounds (Salmon et al., SC 2011) of arrays of 32-bit integers."""
    schedule = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA))
    a, b = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(5):
        for rotation in (17, 29, 16, 24) if group % 2 else (13, 15, 26, 6):
            a = a + b
            b = rotated(b, rotation) ^ a
        a = a + schedule[(group + 1) % 3]
        b = b + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return a, b


def words_of(number: int) -> tuple:
    return np.array([number >> 32], dtype=np.uint32), np.array([number & 0xFFFFFFFF], dtype=np.uint32)


def kept(seed: int, stream: int, step: int, rate: float, count: int) -> np.ndarray:
    """Which of `count` elements, fewer than 2^32, are kept."""
    key = threefry(threefry(words_of(seed), words_of(stream)), words_of(step))
    a, b = threefry(key, (np.zeros(count, dtype=np.uint32), np.arange(count, dtype=np.uint32)))
    return (a ^ b) >= np.uint32(min(round(rate * 2.0**32), 2**32 - 1))


class CounterDropout(torch.nn.Module):
    """Stands for torch.nn.Dropout; the same in training and evaluation."""

    def __init__(self, rate: float, seed: int, stream: int):
        super().__init__()
        self.rate, self.seed, self.stream, self.step = rate, seed, stream, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = torch.from_numpy(kept(self.seed, self.stream, self.step, self.rate, x.numel())).reshape(x.shape)
        return torch.where(mask, x * float(np.float32(1 / (1 - self.rate))), 0)


# Of each method.
DROPOUTS = ("lora_dropout", "vera_dropout", "miss_dropout")


def use_counter_dropout(model: PeftModel, seed: int) -> list[CounterDropout]:
    """Replaces the dropout of every adapter; streams are counted in the order of the modules."""
    dropouts = []
    for module in list(model.modules()):
        adapters = next((getattr(module, name) for name in DROPOUTS if hasattr(module, name)), {})
        if "default" in adapters and isinstance(adapters["default"], torch.nn.Dropout):
            adapters["default"] = CounterDropout(adapters["default"].p, seed, len(dropouts))
            dropouts.append(adapters["default"])
    return dropouts
