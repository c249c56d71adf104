#!/usr/bin/env python3
"""Fits the closed form of what a machine takes of an FPGA to machines that are synthesised, and writes it as data.

    fit_fpga.py --target xilinx7 --cache FOLDER --out configs/cost/xilinx7.json FILE.sv ...

To the machines of fit.py and one with more lanes, in its terms and by its method: of every part LUTs, flip-flops, block
RAMs and multipliers of its own. RAMs by themselves (ram_1r1w) are left out of the parts: how many of what shape there are is
a product of powers of the sizes, and what one of a shape takes follows from the FPGA's primitives by a rule (fpga_rams.py).
Some machines are held out, one of them without the decoder of packed weights.
"""

import argparse
import resource
import tempfile

import fit
import fpga_rams
import synthesize

_KINDS = ("lut", "ff", "bram", "dsp")
_RAM_MODULE = "ram_1r1w"
_DECODER = "u_load_unit/gen_decoder"  # what is below it, a machine without one does not have
_WITHOUT_DECODER = {"Decoder": "0"}
# What lanes and bytes of the bus exchange grows with their square, which shows at 16 lanes.
_TERMS = [*fit.TERMS, "memory_lanes*memory_lanes", "axi_bits*axi_bits"]
_FITTED = [changes for changes, _ in fit.FITTED] + [{"axi_bits": 256}]
_HELD_OUT = [({"rows": 4, "columns": 4}, {}), ({"rows": 3, "columns": 4, "vector_lanes": 8, "axi_bits": 128}, {}), ({}, _WITHOUT_DECODER)]


def without_rams(node):
    """(the tree without the instances of RAMs, but with their shapes at the module above; {kind: amount} of those RAMs)."""
    gone = dict.fromkeys(_KINDS, 0)
    children = []
    for child in node.get("children", []):
        kept, less = ({}, child) if child["module"] == _RAM_MODULE else without_rams(child)
        for kind in _KINDS:
            gone[kind] += less[kind]
        if kept:
            children.append(kept)
    return {**node, **{kind: node[kind] - gone[kind] for kind in _KINDS}, "children": children}, gone


def synthesised(options, versions, changes, parameters):
    sizes = fit.sizes_of(changes)
    result = synthesize.whole(options, {**fit.parameters_of(sizes), **parameters}, versions)
    tree, in_rams = without_rams(result["hierarchy"])
    parts, rams = fit.parts_of(tree, _KINDS)
    return {"sizes": sizes, "decoder": int(parameters.get("Decoder", "1")), "parts": parts, "rams": rams, "in_rams": in_rams,
            "counts": {kind: result["hierarchy"][kind] for kind in _KINDS}}


def predicted(form, sizes, decoder):
    """{kind: amount} of a machine, as host/cost/fpga_form.cpp works it out."""
    def there(part):
        return decoder or not part["path"].startswith(_DECODER)

    def value(monomial):
        product = monomial["coefficient"]
        for size, power in monomial["powers"].items():
            product *= sizes[size] ** power
        return round(product)
    counts = {kind: sum(fit.amount(part[kind], sizes) for part in form["parts"] if there(part)) for kind in _KINDS}
    for ram in filter(there, form["rams"]):
        one = fpga_rams.taken(form["ram_primitives"], value(ram["words"]), value(ram["width"]))
        for kind, amount in one.items():
            counts[kind] += value(ram["count"]) * amount
    return {kind: round(amount) for kind, amount in counts.items()}


def checked(form, point):
    said = predicted(form, point["sizes"], point["decoder"])
    errors = {kind: round(said[kind] / max(point["counts"][kind], 1) - 1, 4) for kind in _KINDS}
    return {"sizes": point["sizes"], "decoder": point["decoder"], "counts": point["counts"], "closed_form": said, "error": errors}


def closed_form(target, measured):
    return {"parts": fit.parts_form(measured, _KINDS, _TERMS), "rams": fit.rams_form(measured), "ram_primitives": fpga_rams.PRIMITIVES[target]}


def measure(options, versions):
    # Not from the cache of machines: what the first one's modules are must be known, for those that are alike.
    with tempfile.TemporaryDirectory(prefix="corank-fit-") as work:
        synthesize.to_fpga(options, fit.parameters_of(fit.sizes_of({})), versions, work)
    chosen = [(changes, {}) for changes in _FITTED] + _HELD_OUT
    points = []
    for number, (changes, parameters) in enumerate(chosen, 1):
        synthesize.tell(f"machine {number} of {len(chosen)}: {({**changes, **parameters}) or 'the first'}")
        points.append(synthesised(options, versions, changes, parameters))
        used = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
        synthesize.tell(f"{sum(each.ru_utime + each.ru_stime for each in used):.0f} s of CPU so far")
    return points[:len(_FITTED)], points[len(_FITTED):]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, choices=sorted(fpga_rams.PRIMITIVES))
    parser.add_argument("--cache", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    options.top, options.route, options.timed = "corank_accelerator", None, False
    options.alike = {}  # registers of machines of two shapes differ in what they say of it alone
    versions = synthesize.check_tools(options.target)
    measured, held_out = measure(options, versions)
    form = closed_form(options.target, measured)
    result = {"target": options.target, "tools": versions, "rtl": fit.fnv1a([fit.read(path) for path in options.files]),
              "made_by": f"scripts/cost-fit --fpga {options.target}", "fitted": [checked(form, point) for point in measured],
              "held_out": [checked(form, point) for point in held_out], **form}
    fit.write_data(options.out, result)
    for point in result["held_out"]:
        synthesize.tell(f"held out {point['sizes']}: " + ", ".join(f"{kind} {100 * error:+.2f} %" for kind, error in point["error"].items()))


if __name__ == "__main__":
    main()
