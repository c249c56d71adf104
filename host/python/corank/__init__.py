"""corank from Python: the same runs and sweeps as on the command line, with their results as data.

    import corank
    report = corank.run("configs/cycle.yaml", fidelity="cycle", accelerator__array__rows=16)
    report["latency"]["cycles"]

The program does the work. It is the one that the environment variable CORANK names, else `corank`
on the PATH, else that of the tree which this package was installed from.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Mapping

__all__ = ["InputError", "MachineFault", "Mismatch", "program", "run", "sweep"]

# Exit codes of the program.
_MISMATCH, _WRONG_INPUT = 1, 2


class InputError(ValueError):
    """What was asked for is wrong; the message says where, what was expected and what was found."""


class Mismatch(RuntimeError):
    """The run found a difference from its references. `report` is what it found out."""

    def __init__(self, message: str, report: dict[str, Any] | None = None):
        super().__init__(message)
        self.report = report


class MachineFault(RuntimeError):
    """The simulated machine, or the program, came to a fault."""


def program() -> str:
    """The path of the program. Raises FileNotFoundError where there is none."""
    named = os.environ.get("CORANK")
    if named:
        return named
    found = shutil.which("corank")
    if found:
        return found
    try:
        from corank._tree import TREE
    except ImportError:  # imported from the tree itself
        TREE = str(Path(__file__).resolve().parents[3])
    built = Path(TREE, "build/release/host/corank")
    if built.is_file():
        return str(built)
    raise FileNotFoundError(
        f"corank: no program: expected one at $CORANK, on the PATH or at {built}; "
        "scripts/quickstart builds it")


def _text_of(value: Any) -> str:
    """A setting's value as YAML on one line. JSON is YAML, but that YAML 1.2 wants 1.0e-08."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:.1f}"
    return json.dumps(value)


def _settings(settings: Mapping[str, Any]) -> list[str]:
    options = []
    for key, value in settings.items():
        options += ["--set", f"{key.replace('__', '.')}={_text_of(value)}"]
    return options


def _call(arguments: list[str]) -> tuple[int, str, str]:
    done = subprocess.run([program(), *arguments], capture_output=True, text=True)
    message = done.stderr.strip().removeprefix("corank: ")
    if done.returncode == _WRONG_INPUT:
        raise InputError(message)
    if done.returncode not in (0, _MISMATCH):
        raise MachineFault(message or f"corank ended with {done.returncode}")
    return done.returncode, done.stdout, message


def _file_of(config: str | os.PathLike | Mapping[str, Any], folder: str) -> str:
    """A path stays; a mapping becomes a file in the folder. Paths in it are those of the working
    directory's, so they are made absolute where a file is there."""
    if not isinstance(config, Mapping):
        return os.fspath(config)
    path = Path(folder, "configuration.yaml")
    path.write_text(json.dumps(_absolute(config)))
    return str(path)


def _absolute(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _absolute(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_absolute(item) for item in value]
    if isinstance(value, os.PathLike) or (isinstance(value, str) and os.path.exists(value)):
        return os.path.abspath(value)
    return value


def run(config: str | os.PathLike | Mapping[str, Any], *, fidelity: str = "cycle",
        out: str | os.PathLike | None = None, **settings: Any) -> dict[str, Any]:
    """Carries out the step or the fine-tuning of a configuration and returns its report.

    config: a YAML file, or its content as a mapping. settings: what --set takes; `a__b=1` and
    `**{"a.b": 1}` set a.b. out: a folder that keeps the files; without it none is kept.
    Raises InputError, Mismatch, MachineFault.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept = os.fspath(out) if out is not None else os.path.join(folder, "out")
        code, _, message = _call(["run", _file_of(config, folder), "--fidelity", fidelity, "--out",
                                  kept, *_settings(settings)])
        report = json.loads(Path(kept, "report.json").read_text())
    if code == _MISMATCH:
        raise Mismatch(message or "the run found a difference from its references", report)
    return report


def sweep(sweep_file: str | os.PathLike | Mapping[str, Any], out: str | os.PathLike, *,
          on: str = "local", workers: int | None = None, **settings: Any):
    """Carries out a sweep, or goes on with it, and returns its designs as a pandas.DataFrame.

    One row a design that was run, is open or was refused; columns are the axes, the exact objectives
    (in ns, pJ, mm2, bytes, J/token and usd), `status`, `on_front` and the `corank run` line that
    repeats it. DataFrame.attrs has `proved`, `designs` and the other facts of the whole.
    """
    import pandas

    with tempfile.TemporaryDirectory() as folder:
        arguments = ["sweep", _file_of(sweep_file, folder), "--out", os.fspath(out), "--on", on]
        if workers is not None:
            arguments += ["--workers", str(workers)]
        code, _, message = _call(arguments + _settings(settings))
        if code == _MISMATCH:
            raise Mismatch(message)
        exported = os.path.join(folder, "sweep.json")
        _call(["sweep", "export", os.fspath(out), "--json", exported])
        table = json.loads(Path(exported).read_text())
    return _frame(pandas, table)


def _frame(pandas, table: dict[str, Any]):
    rows = table["rows"]  # by column
    columns: dict[str, Any] = {}
    for axis in table["axes"]:
        values = rows["values"][axis["path"]]
        columns[axis["path"]] = [float(value) for value in values] if axis["numeric"] else values
    columns.update(rows["objectives"])
    columns.update({name: values for name, values in rows.items()
                    if name not in ("design", "values", "bounds", "objectives", "figures")})
    frame = pandas.DataFrame(columns, index=pandas.Index(rows["design"], name="design"))
    frame.attrs.update({key: value for key, value in table.items() if key not in ("rows", "axes")})
    return frame
