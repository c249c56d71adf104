"""Writes safetensors files that come out byte for byte the same on every run."""

import json
import pathlib

import torch
from safetensors.torch import save


def write_reproducibly(path: pathlib.Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None):
    """The library alone orders the metadata differently on every call."""
    data = save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, metadata or {"format": "pt"})
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[end:])
