#!/usr/bin/env python3
"""Elaborates the RTL and fails on whatever a synthesis tool would stumble over (scripts/synthesis-check).

    check.py --top MODULE --log FILE [Parameter=value ...] FILE.sv ...
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


def elaborate(top, parameters, files, log, buffers):
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
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def check(top, parameters, files, log):
    """The complaints, one a line."""
    buffers = log + ".buffers.il"
    clean = elaborate(top, parameters, files, log, buffers)
    said = read(log)
    complaints = [line for line in said.splitlines() if re.search(r"(^|[: ])(warning|error):", line, re.I)]
    if not clean and not complaints:
        complaints.append(said[-1000:] or "Yosys failed")
    if os.path.exists(buffers):
        complaints += [f"nothing drives {net}" for net in undriven(read(buffers))]
    return list(dict.fromkeys(complaints))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    complaints = check(options.top, *words_of(options.words), options.log)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
