#!/usr/bin/env python3
"""The netlist of a module of the RTL in cells, module by module as they are mapped, for whoever simulates gates.

    gates.py --top MODULE --cache FOLDER --out FOLDER [--name NAME] [Parameter=value ...] FILE.sv ...

Writes into the folder netlist.v (instances named as in the RTL, so a gate is known by its unit), cells.v and rams.v (what
the cells and RAMs in it do) and cells.json (the cells' functions, capacitances and internal energies). rams.v uses the RTL's
ram_1r1w. The netlist's top is called NAME, so that it can stand beside the RTL. Exit codes as of synthesize.py.
"""

import argparse
import json
import os
import tempfile

import cells
import rams
import synthesize


def verilog_of_rams(boxes):
    """The RAM of the RTL in each box; nobody has said what another one would do."""
    text = ""
    for name, module in boxes.items():
        if not rams.is_ram(module):
            synthesize.fail(f"{name[1:]}: a memory that is no ram_1r1w cannot be simulated", 3)
        words, width = rams.size_of(module)
        ports = module.ports()
        declared = ", ".join(f"{direction} [{bits - 1}:0] {port[1:]}" for port, direction, bits in ports)
        connected = ", ".join(f".{port[1:]}({port[1:]})" for port, _, _ in ports)
        text += f"module {name[1:]} ({declared}); ram_1r1w #(.Width({width}), .Words({words})) u_ram ({connected}); endmodule\n"
    return text


def table_of_cells(gates):
    return {"node_nm": cells.NODE_NM, "volts": cells.VOLTS, "cells": {
        name: {"inputs": gate.inputs, "outputs": {pin: gate.table(pin) for pin in gate.outputs}, "flop": gate.flop,
               "capacitance_pf": gate.capacitance_pf, "output_pj": gate.output_pj, "input_pj": gate.input_pj}
        for name, gate in gates.items()}}


def write(options, parameters, versions, work):
    unique, top = synthesize.elaborate(options, parameters, work)
    mapped, boxes = synthesize.mapped_design(unique, options, versions, work)
    used = {cell.kind for module in mapped.values() for cell in module.cells} - {*mapped, *boxes}
    gates = {name: gate for name, gate in cells.read_gates().items() if "\\" + name in used}
    if len(gates) < len(used):
        synthesize.fail(f"cells without a model: {' '.join(sorted(kind[1:] for kind in used if kind[1:] not in gates))}", 3)
    text = synthesize.read(synthesize.write_netlist(mapped, boxes, top, options.name or options.top, work))
    texts = {"netlist.v": text, "cells.v": "".join(gate.verilog(name) for name, gate in gates.items()),
             "rams.v": verilog_of_rams(boxes), "cells.json": json.dumps(table_of_cells(gates), indent=1) + "\n"}
    for name, text in texts.items():
        synthesize.write_whole(os.path.join(options.out, name), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--name")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    options.alike = None
    parameters, options.files = synthesize.words_of(options.words)
    versions = synthesize.check_tools()
    for folder in (options.cache, options.out):
        os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="corank-gates-") as work:
        write(options, parameters, versions, work)


if __name__ == "__main__":
    main()
