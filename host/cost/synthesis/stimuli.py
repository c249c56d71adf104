"""Layers small enough for gates: captured ones cut down, and such with values by chance, as captures of corank."""

import json
import math
import random
import struct
from dataclasses import dataclass


@dataclass
class Stimulus:
    name: str
    values: str  # the name of a capture whose corner it is; or normal, bits (any finite number), zeros, ones
    tokens: int
    inputs: int
    outputs: int
    rank: int
    optimizer: str = "adamw"
    latency_ns: int = 100  # of the memory

    def settings(self, capture):
        """Of `corank run`."""
        optimizers = {"adamw": "{name: adamw, lr: 0.001}", "sgd": "{name: sgd, lr: 0.1}",
                      "momentum": "{name: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.01}"}
        return [f"workload={{capture: {capture}, optimizer: {optimizers[self.optimizer]}}}",
                f"memory={{kind: fixed-latency, latency_ns: {self.latency_ns}, bandwidth_gb_per_s: 16, size_mib: 256}}"]


def read_safetensors(path):
    """(metadata, {name: (dtype, shape, bytes)})"""
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    metadata = header.pop("__metadata__", {})
    return metadata, {name: (one["dtype"], one["shape"], body[slice(*one["data_offsets"])]) for name, one in header.items()}


def write_safetensors(path, metadata, tensors):
    header, body = {"__metadata__": metadata}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def corner(tensor, shape):
    """The first rows and columns of a tensor."""
    dtype, whole, data = tensor
    size = {"BF16": 2, "F32": 4}[dtype]
    if any(want > have for want, have in zip(shape, whole)):
        raise SystemExit(f"error: a corner of {shape} of a tensor of {whole}")
    if len(shape) == 1:
        return dtype, shape, data[:shape[0] * size]
    rows = [data[row * whole[1] * size:][:shape[1] * size] for row in range(shape[0])]
    return dtype, shape, b"".join(rows)


def shapes_of(stimulus):
    s = stimulus
    adapter = {"lora_A": [s.rank, s.inputs], "lora_B": [s.outputs, s.rank]}
    moments = {f"{name}.{moment}": shape for name, shape in adapter.items() for moment in ("exp_avg", "exp_avg_sq")}
    return {"x": [s.tokens, s.inputs], "dy": [s.tokens, s.outputs], "weight": [s.outputs, s.inputs], "bias": [s.outputs],
            **adapter, **(moments if s.optimizer == "adamw" else {})}


def number(kind, scale, chance):
    if kind == "bits":
        return chance.choice((-1, 1)) * math.ldexp(1 + chance.random(), chance.randint(-20, 3))
    return {"normal": chance.gauss(0, 1) * scale, "zeros": 0.0, "ones": 1.0}[kind]


def by_chance(stimulus):
    """Values of the size that training has."""
    chance = random.Random(stimulus.name)
    tensors = {}
    for name, shape in shapes_of(stimulus).items():
        scale = 1 if name == "x" else 1e-3 if "exp_avg" in name else 0.1
        values = [number(stimulus.values, scale, chance) for _ in range(math.prod(shape))]
        if name.endswith("exp_avg_sq"):
            values = [value * value for value in values]
        tensors[name] = ("F32", shape, struct.pack(f"<{len(values)}f", *values))
    return {"r": str(stimulus.rank), "lora_alpha": "16", "use_rslora": "false", "step": "25"}, tensors


def write_capture(stimulus, path, captures):
    if stimulus.values in captures:
        metadata, tensors = read_safetensors(captures[stimulus.values])
        tensors = {name: corner(tensors[name], shape) for name, shape in shapes_of(stimulus).items() if name in tensors}
        metadata["r"] = str(stimulus.rank)
    else:
        metadata, tensors = by_chance(stimulus)
    write_safetensors(path, metadata, tensors)
