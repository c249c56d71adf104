#!/usr/bin/env python3
"""Fits the energies of events to what the gates of a small machine take, and writes them as data (scripts/cost-energy).

    gate_energy.py --corank PROGRAM --machine LIBRARY --netlist FOLDER --config FILE --captures NAME=FILE ... --out FILE
                   --tables FILE.yaml ... [--other NETLIST:CONFIG] FILE.sv ...

Training steps of layers with values from captures and by chance run on the gates. What every unit's nets took in a run is a
sum of what the machine's counters counted, times energies that are the same in all runs: least squares without negative
ones, of the relative errors. What a flip-flop takes of the clock is no matter of fitting. Some runs are held out.
"""

import argparse
import fnmatch
import json
import math
import os
import re
import subprocess
import tempfile

import fit
import synthesize
from stimuli import Stimulus, write_capture

# A unit: where its gates are (the longest path that fits counts), and what it does, as counters that are added (a star
# stands for any kind of gemm) and sizes of the machine that they are multiplied with.
UNITS = {
    "array": (["u_array_unit/u_systolic_array"], [("PE and streamed row", ["array_busy"], ["rows", "columns"])]),
    "array control": (["u_array_unit"], [("cycle of a gemm", ["gemm_slots_*"], []), ("gemm", ["commands_array"], []),
                                         ("cycle", ["cycles"], [])]),
    "vector lanes": (["u_vector_unit/u_lanes"], [
        # No run has a maximum or an integer, which stages beside the adder compute, so they count as additions, and none
        # has a multiply-add, which is one of each.
        ("addition, maximum or integer", ["vector_adds", "vector_maximums", "vector_integers", "vector_multiply_adds"], []),
        ("multiplication", ["vector_multiplies", "vector_multiply_adds"], []),
        # A step of AdamW has two divisions for each square root, and the same stages do both.
        ("division or square root", ["vector_divides", "vector_square_roots"], []), ("rounding", ["vector_roundings"], []),
        ("lane and busy cycle", ["vector_busy"], ["vector_lanes"])]),
    "vector control": (["u_vector_unit"], [("busy cycle", ["vector_busy"], []), ("vector command", ["commands_vector"], []),
                                           ("cycle", ["cycles"], [])]),
    "scratchpad": (["u_scratchpad"], [("byte read", ["scratchpad_read_bytes"], []),
                                      ("byte written", ["scratchpad_write_bytes"], []), ("cycle", ["cycles"], [])]),
    "accumulator": (["u_accumulator"], [("byte read", ["accumulator_read_bytes"], []),
                                        ("byte written", ["accumulator_write_bytes"], []), ("cycle", ["cycles"], [])]),
    "load": (["u_load_unit"], [("bit of a beat", ["load_beats"], ["axi_bits"]), ("burst", ["load_bursts"], []),
                               ("load", ["commands_load"], []), ("cycle", ["cycles"], [])]),
    "store": (["u_store_unit"], [("bit of a beat", ["store_beats"], ["axi_bits"]), ("burst", ["store_bursts"], []),
                                 ("store", ["commands_store"], []), ("cycle", ["cycles"], [])]),
    "commands": (["u_command_processor", "u_command_queues", "u_token_file", "u_stream_window", "u_axi_read_arbiter"],
                 [("command fetched", ["fetch_bursts"], []), ("cycle", ["cycles"], [])]),
    "registers": (["u_registers"], [("busy cycle of load, vector, store", ["load_busy", "vector_busy", "store_busy"], []),
                                              ("busy cycle of the array", ["array_busy"], []), ("cycle", ["cycles"], [])]),
    "between units": ([""], [("bit of a load's beat", ["load_beats"], ["axi_bits"]),
                             ("bit of a store's beat", ["store_beats"], ["axi_bits"]),
                             ("command fetched", ["fetch_bursts"], []), ("cycle", ["cycles"], [])]),
}

_FITTED = [Stimulus("wide", "normal", 8, 24, 24, 4), Stimulus("flat", "normal", 16, 8, 40, 2, "sgd"),
           Stimulus("tall", "normal", 4, 48, 16, 8), Stimulus("long", "normal", 24, 16, 16, 1, "momentum"),
           Stimulus("query", "query", 12, 32, 32, 8), Stimulus("query, tall", "query", 6, 64, 16, 4, "sgd"),
           Stimulus("a token", "normal", 1, 32, 32, 4, "adamw", 1000), Stimulus("waiting", "normal", 32, 12, 12, 2, "sgd", 2000),
           Stimulus("query, flat", "query", 16, 20, 44, 3), Stimulus("waiting long", "normal", 10, 10, 10, 8, "adamw", 3000),
           Stimulus("few tokens", "normal", 3, 16, 64, 8, "momentum"), Stimulus("query, few tokens", "query", 2, 96, 8, 2, "sgd", 500)]
_HELD_OUT = [Stimulus("value", "value_small", 12, 40, 24, 4), Stimulus("value, square", "value_small", 20, 16, 16, 2, "sgd"),
             Stimulus("query, large", "query", 9, 72, 24, 8), Stimulus("odd sizes", "normal", 5, 33, 17, 3),
             Stimulus("many columns", "normal", 20, 24, 48, 6, "sgd"), Stimulus("large", "normal", 16, 32, 48, 4),
             Stimulus("few inputs", "normal", 20, 7, 36, 5, "momentum", 700)]
_NO_BAR = [Stimulus("any exponents", "bits", 8, 24, 24, 4), Stimulus("zeros", "zeros", 8, 24, 24, 4),
           Stimulus("ones", "ones", 8, 24, 24, 4)]


def unit_of(path):
    """The unit to which a place in the hierarchy belongs."""
    def fits(start):
        return not start or path == start or (path.startswith(start) and path[len(start)] in "/[")
    found = [(len(start), unit) for unit, (starts, _) in UNITS.items() for start in starts if fits(start)]
    return max(found)[1]


def amount(event, counters, sizes):
    _, names, factors = event
    counted = sum(value for counter, value in counters.items() if any(fnmatch.fnmatchcase(counter, name) for name in names))
    return counted * math.prod(sizes[factor] for factor in factors)


def without_negative(rows, right):
    """Least squares with no coefficient below 0: each by itself in turn, until none moves."""
    size = len(rows[0])
    scale = [max(abs(row[i]) for row in rows) or 1.0 for i in range(size)]
    rows = [[value / scale[i] for i, value in enumerate(row)] for row in rows]
    normal = [[sum(row[i] * row[j] for row in rows) for j in range(size)] for i in range(size)]
    target = [sum(row[i] * value for row, value in zip(rows, right)) for i in range(size)]
    found = [0.0] * size
    for _ in range(100000):
        moved = 0.0
        for i in range(size):
            if normal[i][i] == 0:
                continue
            off = sum(normal[i][j] * found[j] for j in range(size)) - target[i]
            better = max(0.0, found[i] - off / normal[i][i])
            moved = max(moved, abs(better - found[i]))
            found[i] = better
        if moved < 1e-12 * max(1.0, *found):
            break
    return [value / scale[i] for i, value in enumerate(found)]


class Measured:
    """What a run's gates took and its counters counted."""

    def __init__(self, stimulus, gates, report):
        self.stimulus, self.cycles, self.counters = stimulus, gates["cycles"], report["counters"]
        self.sizes = {size: report["machine"][name] for size, name in _MACHINE_NAMES.items()}
        self.clock_pj_per_flop = gates["clock_pj_per_flop"]
        self.switching, self.flops = dict.fromkeys(UNITS, 0.0), dict.fromkeys(UNITS, 0.0)
        for part in gates["units"]:
            self.switching[unit_of(part["unit"])] += part["switching_pj"]
            self.flops[unit_of(part["unit"])] += part["flops"]

    def clock_pj(self):
        return self.clock_pj_per_flop * sum(self.flops.values()) * self.cycles


_MACHINE_NAMES = {"rows": "array_rows", "columns": "array_columns", "vector_lanes": "vector_lanes", "axi_bits": "axi_data_bits"}


class Bench:
    """Runs stimuli on the gates of a machine."""

    def __init__(self, options, netlist, config, work):
        self._options, self._config, self._work = options, config, work
        self._captures = dict(word.split("=", 1) for word in options.captures)
        self._environment = {**os.environ, "CORANK_MACHINE": options.machine, "CORANK_NETLIST": netlist,
                             "CORANK_GATE_ENERGY": os.path.join(work, "gates.json")}

    def __call__(self, stimulus):
        capture = os.path.join(self._work, "layer.safetensors")
        write_capture(stimulus, capture, self._captures)
        command = [self._options.corank, "run", self._config, "--fidelity", "rtl", "--out", self._work]
        for setting in stimulus.settings(capture):
            command += ["--set", setting]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        if done.returncode != 0:
            synthesize.fail(f"{stimulus.name}: {(done.stderr or done.stdout).strip()}", 3)
        with open(os.path.join(self._work, "gates.json")) as gates, open(os.path.join(self._work, "report.json")) as report:
            measured = Measured(stimulus, json.load(gates), json.load(report))
        if measured.counters["cycles"] != measured.cycles:
            synthesize.fail(f"{stimulus.name}: the counter says {measured.counters['cycles']} cycles, the gates {measured.cycles}", 3)
        return measured


def fitted_unit(unit, runs):
    """The energies of a unit's events, the largest error over the runs, and its flip-flops in the machine that ran."""
    paths, events = UNITS[unit]
    rows = [[amount(event, run.counters, run.sizes) / run.switching[unit] for event in events] for run in runs]
    energies = without_negative(rows, [1.0] * len(rows))
    errors = [sum(a * e for a, e in zip(row, energies)) - 1 for row in rows]
    return {"unit": unit, "paths": paths, "events": [
        {"event": event[0], "counters": event[1], "sizes": event[2], "pj": float(f"{pj:.5g}")} for event, pj in zip(events, energies)],
        "residual": round(max(map(abs, errors)), 4), "flops": runs[0].flops[unit]}


def predicted(units, run):
    return {unit["unit"]: sum(event["pj"] * amount((None, event["counters"], event["sizes"]), run.counters, run.sizes)
                              for event in unit["events"]) for unit in units}


def checked(units, run):
    said = predicted(units, run)
    switching, clock = sum(run.switching.values()), run.clock_pj()
    s = run.stimulus
    return {"stimulus": s.name, "values": s.values, "tokens": s.tokens, "in": s.inputs, "out": s.outputs, "rank": s.rank,
            "optimizer": s.optimizer, "cycles": run.cycles, "clock_pj": round(clock), "switching_pj": round(switching),
            "closed_form_switching_pj": round(sum(said.values())),
            "error": {"total": round((sum(said.values()) + clock) / (switching + clock) - 1, 4),
                      "switching": round(sum(said.values()) / switching - 1, 4)},
            "unit_errors": {unit: round(said[unit] / took - 1, 3) for unit, took in run.switching.items() if took > 0}}


def published(path):
    """What a table of energies (configs/energy) says of a multiply-accumulate in BF16 with a sum in FP32."""
    text = synthesize.read(path)
    node = int(re.search(r"^node: (\d+) nm$", text, re.M).group(1))
    name = re.search(r"^name: (.*)$", text, re.M).group(1)
    actions = dict(re.findall(r"^  - action: (\w+)\n    pj: ([\d.]+)$", text, re.M))
    return {"node_nm": node, "mac_pj": round(float(actions["bf16_multiply"]) + float(actions["fp32_add"]), 4), "table": name}


def tell_errors(kind, points):
    for point in points:
        error = point["error"]
        synthesize.tell(f"{kind}, {point['stimulus']}: {100 * error['total']:+.2f} % of all, {100 * error['switching']:+.1f} % of "
                        f"what switches; {point['cycles']} cycles")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("corank", "machine", "netlist", "config", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--captures", action="append", default=[])
    parser.add_argument("--tables", action="append", default=[])
    parser.add_argument("--other", help="NETLIST:CONFIG of another machine, for which nothing is fitted")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    versions = synthesize.check_tools()
    with tempfile.TemporaryDirectory(prefix="corank-energy-") as work:
        def measure(stimuli, netlist, config):
            bench, runs = Bench(options, netlist, config, work), []
            for stimulus in stimuli:
                synthesize.tell(f"{stimulus.name}: {stimulus.tokens} tokens, {stimulus.inputs} to {stimulus.outputs}, r {stimulus.rank}")
                runs.append(bench(stimulus))
            return runs

        fitted = measure(_FITTED, options.netlist, options.config)
        units = [fitted_unit(unit, fitted) for unit in UNITS]
        held_out = measure(_HELD_OUT, options.netlist, options.config)
        no_bar = measure(_NO_BAR, options.netlist, options.config)
        other = measure(_HELD_OUT[:3], *options.other.split(":")) if options.other else []
    result = {"cells": "osu018", "node_nm": 180, "volts": 1.8, "tools": versions,
              "rtl": fit.fnv1a([fit.read(path) for path in options.files]), "made_by": "scripts/cost-energy",
              "clock_pj_per_flop": round(fitted[0].clock_pj_per_flop, 6), "units": units,
              "published": [published(path) for path in options.tables],
              "fitted": [checked(units, run) for run in fitted], "held_out": [checked(units, run) for run in held_out],
              "no_bar": [checked(units, run) for run in no_bar],
              "other_machine": [{"sizes": run.sizes, **checked(units, run)} for run in other]}
    synthesize.write_whole(options.out, json.dumps(result, indent=1) + "\n")
    for kind in ("fitted", "held_out", "no_bar", "other_machine"):
        tell_errors(kind.replace("_", " "), result[kind])


if __name__ == "__main__":
    main()
