#!/usr/bin/env python3
"""Fits the closed form of a machine's cost to machines that are synthesised, and writes it as data.

    fit.py --cache FOLDER --out configs/cost/fit.json FILE.sv ...
    fit.py --cache FOLDER --out configs/cost/fit.json --check SEED FILE.sv ...     compares what is there with other machines

One machine after another in which one size differs from the first, and some to see what two do together. The rest is least
squares: area, flip-flops and leakage of every part (a module's own logic at all places that differ by numbers alone), and
the slowest path into every unit, as sums of as few terms as it takes; of RAMs count, words and width as products of powers,
which are exact or say where not. Some machines are held out, and what the closed form says of them is written beside.
"""

import argparse
import json
import math
import os
import random
import re
import tempfile

import synthesize

SIZES = {"rows": "ArrayRows", "columns": "ArrayColumns", "vector_lanes": "VectorLanes", "memory_lanes": None,
         "scratchpad_kib": "ScratchpadKib", "scratchpad_banks": "ScratchpadBanks", "accumulator_kib": "AccumulatorKib",
         "accumulator_banks": "AccumulatorBanks", "axi_bits": "AxiDataBits", "queue_depth": "QueueDepth"}

_BASE = {"rows": 2, "columns": 2, "vector_lanes": 4, "scratchpad_kib": 8, "scratchpad_banks": 8, "accumulator_kib": 8,
         "accumulator_banks": 4, "axi_bits": 64, "queue_depth": 4}
# Each with whether its paths are looked for: that takes most of the time, and they hardly depend on the rest.
FITTED = [({}, True), ({"axi_bits": 128}, True), ({"scratchpad_kib": 32}, False), ({"accumulator_kib": 32}, False),
          ({"scratchpad_banks": 16}, False), ({"accumulator_banks": 8}, False), ({"rows": 1}, True),
          ({"vector_lanes": 8}, True), ({"rows": 1, "columns": 1}, False), ({"columns": 1}, False), ({"rows": 3}, True),
          ({"vector_lanes": 2}, False), ({"queue_depth": 2}, False)]
_HELD_OUT = [({"rows": 4, "columns": 4}, True),
             ({"rows": 3, "columns": 4, "vector_lanes": 8, "axi_bits": 128, "scratchpad_kib": 16, "accumulator_kib": 16}, False),
             ({"axi_bits": 256}, False)]

_KINDS = ("area_um2", "flops", "leakage_nw")
_WHOLE = 8  # rows and columns of the largest machine that is compared
_MOST_ERROR = 0.03  # of the area of a machine that was not fitted

# Every term is one of these, or a product of two sizes, one of them perhaps as its logarithm.
TERMS = ["1", "rows", "columns", "rows*columns", "rows*rows", "vector_lanes", "memory_lanes",
         "memory_lanes*log2_memory_lanes", "memory_lanes*scratchpad_banks", "memory_lanes*accumulator_banks",
         "memory_lanes*log2_scratchpad_kib", "memory_lanes*log2_accumulator_kib", "scratchpad_banks", "accumulator_banks",
         "log2_scratchpad_kib", "log2_accumulator_kib", "axi_bits", "queue_depth", "log2_memory_lanes", "log2_queue_depth"]
_DELAY_TERMS = ["1", "log2_rows", "log2_columns", "log2_vector_lanes", "log2_memory_lanes", "log2_scratchpad_banks",
                "log2_accumulator_banks", "log2_axi_bits", "log2_scratchpad_kib", "log2_accumulator_kib"]
_ENOUGH = 0.004  # of a part's largest value: what more terms need not explain
_WORTH = 0.75  # of the error before: what a term must leave at most
_MOST_TERMS = 6


def sizes_of(changes):
    sizes = {**_BASE, **changes}
    lanes = 1
    while lanes < max(sizes["rows"], sizes["columns"], sizes["vector_lanes"], sizes["axi_bits"] // 16):
        lanes *= 2
    return {**sizes, "memory_lanes": lanes}


def parameters_of(sizes):
    """Of the RTL's top."""
    return {SIZES[key]: str(value) for key, value in sizes.items() if SIZES[key]}


def feature(term, sizes):
    value = 1.0
    for factor in term.split("*"):
        if factor.startswith("log2_"):
            value *= math.log2(sizes[factor[5:]])
        elif factor != "1":
            value *= sizes[factor]
    return value


def solve(matrix, right):
    """A linear system, by elimination with the largest pivot; None if it has no one solution."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        if abs(rows[pivot][column]) < 1e-9 * max(1.0, max(abs(x) for x in matrix[column])):
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(size):
            if row != column:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def least_squares(terms, points, values):
    table = [[feature(term, point) for term in terms] for point in points]
    normal = [[sum(row[i] * row[j] for row in table) for j in range(len(terms))] for i in range(len(terms))]
    scale = [math.sqrt(normal[i][i]) or 1.0 for i in range(len(terms))]
    right = [sum(row[i] * value for row, value in zip(table, values)) / scale[i] for i in range(len(terms))]
    scaled = [[normal[i][j] / scale[i] / scale[j] for j in range(len(terms))] for i in range(len(terms))]
    found = solve(scaled, right)
    return None if found is None else [value / scale[i] for i, value in enumerate(found)]


def residuals(formula, points, values):
    return [sum(c * feature(term, point) for term, c in formula.items()) - value for point, value in zip(points, values)]


def fit(candidates, points, values):
    """{term: coefficient}: a term after another, each the one that leaves the least; none has a coefficient below 0 but
    the constant."""
    largest = max(map(abs, values))
    if largest == 0:
        return {}
    candidates = [term for term in candidates if term == "1" or len({feature(term, point) for point in points}) > 1]
    best, terms, error = {}, [], float("inf")
    while len(terms) < min(_MOST_TERMS, len(points) // 2):
        if terms and max(map(abs, residuals(best, points, values))) <= _ENOUGH * largest:
            break
        trials = []
        for term in candidates:
            trial = terms + [term]
            coefficients = None if term in terms else least_squares(trial, points, values)
            if coefficients is None or any(c < 0 for t, c in zip(trial, coefficients) if t != "1"):
                continue
            formula = dict(zip(trial, coefficients))
            squares = sum(r * r for r in residuals(formula, points, values))
            trials.append((math.sqrt(squares / len(values)), trial, formula))
        if not trials or min(trials, key=lambda found: found[0])[0] > _WORTH * error:
            break
        error, terms, best = min(trials, key=lambda found: found[0])
    return {term: float(f"{c:.7g}") for term, c in best.items()}


def _power(size, powers, points, values):
    """Of a size, from two machines that differ in it and in sizes whose powers are known; None if there are none."""
    for i, a in enumerate(points):
        for b, value in zip(points[i + 1:], values[i + 1:]):
            if {key for key in SIZES if a[key] != b[key] and key not in powers} == {size}:
                known = math.prod((b[key] / a[key]) ** power for key, power in powers.items())
                return math.log(value / values[i] / known) / math.log(b[size] / a[size])
    return None


def monomial(points, values, what):
    """The product of powers of the sizes that gives every value; `wrong` counts those that it does not give."""
    powers = {}
    while len(powers) < len(SIZES):
        found = next(((size, ratio) for size in SIZES if size not in powers
                      for ratio in [_power(size, powers, points, values)] if ratio is not None), None)
        # Of sizes that never differ alone the one that the RTL derives, the lanes of the memories, is believed to matter.
        size, ratio = found or (next((size for size in SIZES if size not in powers and SIZES[size]), "memory_lanes"), 0)
        powers[size] = round(ratio)
    at = [math.prod(point[key] ** power for key, power in powers.items()) for point in points]
    coefficient = values[0] / at[0]
    wrong = sum(round(coefficient * x) != value for x, value in zip(at, values))
    if wrong:
        synthesize.tell(f"fit: {what} is no product of powers of the sizes in {wrong} of {len(values)} machines")
    return {"coefficient": coefficient, "powers": {key: power for key, power in powers.items() if power}, "wrong": wrong}


def parts_of(tree, kinds):
    """({path: {kind: amount}}, {path: (words, width, count)}) without the numbers in paths."""
    parts, rams = {}, {}

    def visit(node, path):
        children = node.get("children", [])
        own = parts.setdefault(path, dict.fromkeys(kinds, 0.0))
        for key in own:
            own[key] += node[key] - sum(child[key] for child in children)
        held = {(ram["words"], ram["width"]): ram["count"] for ram in node["rams"]}
        for child in children:
            for ram in child["rams"]:
                held[ram["words"], ram["width"]] -= ram["count"]
        for number, ((words, width), count) in enumerate(sorted(item for item in held.items() if item[1])):
            place = f"{path}:{number}"
            before = rams.get(place, (words, width, 0))
            if before[:2] != (words, width):
                raise SystemExit(f"fit: RAMs of two sizes at {path}")
            rams[place] = (words, width, before[2] + count)
        for child in children:
            name = re.sub(r"\[\d+\]", "", child["instance"])
            visit(child, f"{path}/{name}" if path else name)

    visit(tree, "")
    return parts, rams


def fnv1a(texts):
    """As the C++ side names the RTL (sim/machine/recipe.h)."""
    value = 0xCBF29CE484222325
    for text in texts:
        for byte in text + b"\0":
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_data(path, data):
    """So that nobody finds half of it."""
    with open(path + ".partial", "w") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    os.replace(path + ".partial", path)


class Run:
    """Synthesises machines, with the options of the command line."""

    def __init__(self, options, versions):
        self._options, self._versions = options, versions

        # Not from the cache of machines: what its modules are must be known, for those that are alike.
        options.timed = False
        with tempfile.TemporaryDirectory(prefix="corank-fit-") as work:
            synthesize.to_cells(options, parameters_of(sizes_of({})), versions, work)

    def __call__(self, changes, timed):
        sizes = sizes_of(changes)
        self._options.timed = timed
        result = synthesize.whole(self._options, parameters_of(sizes), self._versions)
        parts, rams = parts_of(result["hierarchy"], _KINDS)
        units = result["timing"]["units"] if timed else {}
        delays = {unit: path["delay_ns"] for unit, path in units.items()}
        merged = {}
        for unit, delay in delays.items():
            unit = re.sub(r"\[\d+\]", "", unit)
            merged[unit] = max(merged.get(unit, 0), delay)
        return {"sizes": sizes, "area_um2": result["hierarchy"]["area_um2"], "parts": parts, "rams": rams, "delays": merged}


def parts_form(measured, kinds, terms):
    """The formulas of every part, and of the first kind, where there is some of it, what was measured."""
    points = [point["sizes"] for point in measured]
    paths = list(dict.fromkeys(path for point in measured for path in point["parts"]))
    zero, main = dict.fromkeys(kinds, 0.0), kinds[0]
    parts = []
    for path in paths:
        values = {key: [point["parts"].get(path, zero)[key] for point in measured] for key in kinds}
        formulas = {key: fit(terms, points, values[key]) for key in kinds}
        if not any(formulas.values()):
            continue
        worst = max(map(abs, residuals(formulas[main], points, values[main])))
        parts.append({"path": path, **formulas, "measured_" + main: [round(x, 1) for x in values[main]],
                      "residual": round(worst / max(max(values[main]), 1), 5)})
    return parts


def rams_form(measured):
    rams = []
    for path in dict.fromkeys(path for point in measured for path in point["rams"]):
        held = [(point["sizes"], point["rams"][path]) for point in measured if path in point["rams"]]
        if len(held) < len(measured):
            synthesize.tell(f"fit: {path} has RAMs in {len(held)} of {len(measured)} machines")
        where = [sizes for sizes, _ in held]
        one = {key: monomial(where, [ram[i] for _, ram in held], f"{key} of {path}")
               for i, key in enumerate(("words", "width", "count"))}
        rams.append({"path": path.rsplit(":", 1)[0], **one})
    return rams


def delays_form(measured):
    delays = []
    for unit in dict.fromkeys(unit for point in measured for unit in point["delays"]):
        held = [(point["sizes"], point["delays"][unit]) for point in measured if unit in point["delays"]]
        formula = fit(_DELAY_TERMS, [sizes for sizes, _ in held], [delay for _, delay in held])
        worst = max(map(abs, residuals(formula, *map(list, zip(*held)))))
        delays.append({"unit": unit, "delay_ns": formula, "measured_ns": [delay for _, delay in held],
                       "residual_ns": round(worst, 3)})
    return delays


def closed_form(measured):
    return {"parts": parts_form(measured, _KINDS, TERMS), "rams": rams_form(measured), "delays": delays_form(measured)}


def amount(formula, sizes):
    return max(0.0, sum(c * feature(term, sizes) for term, c in formula.items()))


def predicted(form, sizes):
    return {"area_um2": round(sum(amount(part["area_um2"], sizes) for part in form["parts"]), 1),
            "delay_ns": round(max(amount(part["delay_ns"], sizes) for part in form["delays"]), 3)}


def drawn(seed):
    """The largest machine that is synthesised whole for it, and two others."""
    random.seed(seed)
    yield {"rows": _WHOLE, "columns": _WHOLE, "vector_lanes": _WHOLE, "axi_bits": 128, "scratchpad_kib": 16, "accumulator_kib": 16}
    for _ in range(2):
        yield {"rows": random.randint(1, 6), "columns": random.randint(1, 6), "vector_lanes": random.choice([2, 4, 8]),
               "axi_bits": random.choice([64, 128, 256]), "scratchpad_kib": random.choice([8, 16, 32]),
               "accumulator_kib": random.choice([8, 16, 32]), "scratchpad_banks": random.choice([8, 16]),
               "accumulator_banks": random.choice([4, 8]), "queue_depth": random.randint(2, 6)}


def check(run, path, seed):
    """Whether the closed form in a file gives the area of the machines that a seed draws, synthesised whole."""
    form = json.loads(read(path))
    right = True
    for changes in drawn(seed):
        sizes = sizes_of(changes)
        synthesize.tell(f"synthesising {sizes}")
        whole = run(changes, False)["area_um2"]
        composed = predicted(form, sizes)["area_um2"]
        error = composed / whole - 1
        right = right and abs(error) <= _MOST_ERROR
        print(f"{sizes}: whole {whole / 1e6:.3f} mm2, composed {composed / 1e6:.3f} mm2, {100 * error:+.2f} %", flush=True)
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--first", type=int, help="only so many machines, the last ones of which are held out: a first look")
    parser.add_argument("--check", type=int, metavar="SEED", help="compares the closed form that is there with three other machines")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    options.top, options.target, options.clock, options.reset = "corank_accelerator", "osu018", "clk_i", "rst_ni"
    options.route = None
    options.alike = {}  # registers of machines of two shapes differ in what they say of it alone
    versions = synthesize.check_tools()
    run = Run(options, versions)
    if options.check is not None:
        raise SystemExit(0 if check(run, options.out, options.check) else 1)
    measured, held = [], []
    chosen = (FITTED + _HELD_OUT)[:options.first]
    for number, (changes, timed) in enumerate(chosen, 1):
        synthesize.tell(f"machine {number} of {len(chosen)}: {changes or 'the first'}")
        (measured if number <= len(FITTED) else held).append(run(changes, timed))
    form = closed_form(measured)

    def checked(point):
        real = {"area_um2": point["area_um2"]}
        if point["delays"]:
            real["delay_ns"] = max(point["delays"].values())
        form_says = predicted(form, point["sizes"])
        return {"sizes": point["sizes"], **real, "closed_form": form_says,
                "error": {key: round(form_says[key] / real[key] - 1, 4) for key in real}}

    result = {"cells": "osu018", "node_nm": 180, "tools": versions, "rtl": fnv1a([read(path) for path in options.files]),
              "made_by": "scripts/cost-fit", "fitted": [checked(point) for point in measured],
              "held_out": [checked(point) for point in held], **form}
    write_data(options.out, result)
    for point in result["held_out"]:
        synthesize.tell(f"held out {point['sizes']}: " + ", ".join(f"{what} {100 * error:+.2f} %" for what, error in point["error"].items()))


if __name__ == "__main__":
    main()
