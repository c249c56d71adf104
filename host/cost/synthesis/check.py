#!/usr/bin/env python3
"""Elaborates the RTL and fails on whatever a synthesis tool would stumble over (scripts/synthesis-check).

    check.py --top MODULE --log FILE [--chip] [Parameter=value ...] FILE.sv ...

With --chip, the top is what stands at the border of a chip's design, and must be ready for scan and for other people's
logic: one clock, no asynchronous reset, no combinational path from an input to an output, the interrupt a flip-flop, and
constants where AXI describes a transaction.
"""

import argparse
import os
import re
import sys

import pyosys.libyosys as yosys

from synthesize import quiet, read, words_of


def undriven(text):
    """What slang drives with x because nothing else does: a $buf cell, which Yosys' `check` does not report."""
    found, unknown = [], False
    for line in text.splitlines():
        words = line.split(None, 2)
        if words[:2] == ["connect", "\\A"]:
            unknown = re.search(r"\d+'[01z]*x", line) is not None
        elif words[:2] == ["connect", "\\Y"] and unknown:
            found.append(words[2].lstrip("\\"))
    return found


CLOCK, RESET, INTERRUPT = "clk_i", "rst_ni", "irq_o"
FLIP_FLOPS = "$dff,$dffe,$sdff,$sdffe,$sdffce,$adff,$adffe,$aldff,$aldffe,$dffsr,$dffsre"
ASYNCHRONOUS = "t:$adff t:$adffe t:$aldff t:$aldffe t:$dffsr t:$dffsre"
DESCRIPTIONS = re.compile(r"m_axi_a[rw](burst|size|lock|cache|prot|qos)_o$")  # of an AXI transaction


def review(text, selected):
    """What a chip's design must not have, of a flat design as RTLIL. selected(command) gives what Yosys selects."""
    complaints = [f"{name} has an asynchronous reset" for name in selected(ASYNCHRONOUS)]
    for cell in cells_of(text):
        for port in ("CLK", "RD_CLK", "WR_CLK"):
            clock = cell["connect"].get(port, "")
            if set(re.findall(r"\\\S+", clock)) - {"\\" + CLOCK}:
                complaints.append(f"{cell['name']} is clocked by {clock}, not by {CLOCK}")
        if "0" in cell["parameter"].get("CLK_POLARITY", "1'1").split("'")[-1]:
            complaints.append(f"{cell['name']} is clocked by a falling edge")
    before = f"%ci*:-{FLIP_FLOPS},$mem_v2"
    inputs = f"i:* i:{CLOCK} %d i:{RESET} %d"
    for name in selected(f"o:* {before} {inputs} %i"):
        complaints.append(f"the input {name} reaches an output without a flip-flop")
    for name in selected(f"o:{INTERRUPT} {before} c:* %i"):
        complaints.append(f"{name} stands between a flip-flop and {INTERRUPT}")
    constant = set(re.findall(r"^  connect \\(\S+) \d+'[01]+$", text, re.M))
    outputs = re.findall(r"^  wire .*\boutput \d+ .*\\(\S+)$", text, re.M)
    complaints += [f"{name} is no constant" for name in outputs if DESCRIPTIONS.match(name) and name not in constant]
    return complaints


def cells_of(text):
    """The cells of a flat module: {"name": ..., "parameter": {...}, "connect": {...}}."""
    for cell in re.finditer(r"^  cell (\S+) (\S+)\n(.*?)^  end$", text, re.M | re.S):
        found = {"name": cell[2].lstrip("\\"), "parameter": {}, "connect": {}}
        for kind, name, value in re.findall(r"^    (parameter|connect) (?:signed )?\\(\S+) (.*)$", cell[3], re.M):
            found[kind][name] = value
        yield found


def review_design(design, log):
    """The complaints of review() of the design's top, which is made flat."""
    for command in ("flatten", "opt -full", f"write_rtlil {log}.flat.il"):
        design.run_pass(command)

    def selected(expression):
        design.run_pass(f"select -write {log}.selection {expression}")
        return [line.split("/", 1)[1] for line in read(log + ".selection").splitlines()]

    return review(read(log + ".flat.il"), selected)


def elaborate(top, parameters, files, log, buffers, chip):
    """In a process of its own, because an error ends Yosys' process; whether there was none."""
    child = os.fork()
    if child == 0:
        overrides = " ".join(f"-G {name}={value}" for name, value in parameters.items())
        with quiet(log):
            os.dup2(1, 2)
            design = yosys.Design()
            # The buffers are written out before any optimisation.
            for command in (f"read_slang -Wimplicit-net --top {top} -D SYNTHESIS {overrides} {' '.join(files)}",
                            f"dump -o {buffers} t:$buf", f"prep -top {top}", "check -assert",
                            "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$_DLATCH* t:$sr t:$_SR*", "stat"):
                design.run_pass(command)
            if chip:
                with open(log + ".review", "w") as file:
                    file.writelines(line + "\n" for line in review_design(design, log))
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def check(top, parameters, files, log, chip):
    """The complaints, one a line."""
    buffers = log + ".buffers.il"
    clean = elaborate(top, parameters, files, log, buffers, chip)
    said = read(log)
    complaints = [line for line in said.splitlines() if re.search(r"(^|[: ])(warning|error):", line, re.I)]
    if not clean and not complaints:
        complaints.append(said[-1000:] or "Yosys failed")
    if os.path.exists(buffers):
        complaints += [f"nothing drives {net}" for net in undriven(read(buffers))]
    if os.path.exists(log + ".review"):
        complaints += read(log + ".review").splitlines()
    return list(dict.fromkeys(complaints))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--chip", action="store_true")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    complaints = check(options.top, *words_of(options.words), options.log, options.chip)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
