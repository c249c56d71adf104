#!/usr/bin/env python3
"""What a module of the RTL costs in cells of osu018: area, flip-flops, leakage by instance, its RAMs, its slowest paths.

    synthesize.py --top MODULE --cache FOLDER [Parameter=value ...] FILE.sv ... >RESULT.json

Progress goes to the standard error, one line a stage. Each module is mapped by itself and kept in the cache under a name
made of its text, the cells and the tools' versions, so another shape maps only what is new in it. Exit codes: 0; 2 if an
input or a tool is missing; else a tool failed (an error ends Yosys' process, which is this one).
"""

import argparse
import importlib.metadata
import json
import os
import re
import sys
import tempfile
from collections import Counter


def tell(text):
    """To the standard error, and to the file that CORANK_PROGRESS names, for whoever shows how far it is."""
    print(text, file=sys.stderr, flush=True)
    if os.environ.get("CORANK_PROGRESS"):
        write_whole(os.environ["CORANK_PROGRESS"], text)


def fail(message, code):
    print("error: " + message, file=sys.stderr, flush=True)
    raise SystemExit(code)


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def write_whole(path, text):
    """So that nobody finds half of it."""
    partial = f"{path}.{os.getpid()}"
    with open(partial, "w") as file:
        file.write(text)
    os.replace(partial, path)


def keep(path, text):
    """In the cache, with a digest by which kept() sees that it is as it was written."""
    import rtlil
    write_whole(path, f"{text}# {rtlil.digest(text)}\n")


def kept(path):
    """What keep() wrote; None if it is not there, or not as it was."""
    import rtlil
    if not os.path.exists(path):
        return None
    text, _, digest = read(path).rpartition("# ")
    return text if digest.strip() == rtlil.digest(text) else None


def check_tools(target="osu018", route=None):
    """Versions of the tools that a target needs, or an end that says what to install."""
    try:
        found = {"yosys": importlib.metadata.version("pyosys")}
    except importlib.metadata.PackageNotFoundError:
        fail("the Python package pyosys is not installed; scripts/setup cost installs it", 2)
    import cells
    import timing
    try:
        if target == "osu018":
            if not os.path.exists(cells.LIBERTY):
                fail(f"{cells.LIBERTY} is not there (Debian's qflow-tech-osu018); scripts/setup cost installs it", 2)
            found["opensta"] = timing.version()
        if route:
            import route as router
            found["nextpnr"] = router.version()
    except timing.ToolMissing as missing:
        fail(f"{missing} is not installed; scripts/setup cost installs it", 2)
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--clock", default="clk_i")
    parser.add_argument("--reset", default="rst_ni")
    parser.add_argument("--target", choices=("osu018", "ecp5", "xilinx7"), default="osu018",
                        help="standard cells, or the primitives of an FPGA family")
    parser.add_argument("--route", choices=("units", "machine"), help="of ecp5: place and route each unit by itself, or all in one")
    parser.add_argument("words", nargs="*", help="Parameter=value, and the files of the RTL in the order in which they are read")
    parsed = parser.parse_args()
    parsed.parameters, parsed.files = words_of(parsed.words)
    parsed.alike, parsed.timed = None, True
    if parsed.route and parsed.target != "ecp5":
        fail(f"--route: only ecp5 is placed and routed, found --target {parsed.target}", 2)
    return parsed


def words_of(words):
    """(parameters, files) of `Parameter=value` and names of files."""
    return dict(word.split("=", 1) for word in words if "=" in word), [word for word in words if "=" not in word]


class quiet:
    """Yosys writes its log to the standard output; it goes to a file."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        sys.stdout.flush()
        self._kept = os.dup(1)
        log = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.close(log)

    def __exit__(self, *_):
        os.dup2(self._kept, 1)
        os.close(self._kept)


def without_constants(text):
    """Modules that differ in the values of constants alone are alike."""
    return re.sub(r"'[01xz-]+", "'", text)


def mapped_modules(wanted, unique, function, how, cache, work, alike=None):
    """{name: Module} of cells by a function (fresh.mapped), and the boxes of memories that it made; what the cache has is not
    mapped again. `wanted` are mapped, of all that are `unique`; `how` tells one way of mapping from another. `alike`: what
    was mapped before, by its text without constants; it is taken for what is alike."""
    import fresh
    import mapping
    import rtlil
    mapped, boxes = {}, {}
    for number, (name, module) in enumerate(wanted.items(), 1):
        text = mapping.input_of(module, unique)
        path = os.path.join(cache, f"{rtlil.base_name(name)}-{rtlil.digest(text + how)}.il")
        if alike is not None:
            path = alike.setdefault(without_constants(text), path)
        netlist = kept(path)
        if netlist is None:
            tell(f"{number} of {len(wanted)} modules, {rtlil.base_name(name)}")
            netlist = fresh.mapped(text, work, *function)
            keep(path, netlist)
        parts = rtlil.parse(netlist)
        children = {cell.name: cell.kind for cell in module.cells if cell.kind in unique}
        result = parts["\\m"]
        result.name = name
        for cell in result.cells:
            cell.kind = children.get(cell.name, cell.kind)
        mapped[name] = result
        boxes.update({kind: part for kind, part in parts.items() if kind.startswith("\\inline_memory")})
    return mapped, boxes


def way_of_mapping(versions, *scripts):
    here = os.path.dirname(os.path.abspath(__file__))
    scripts = ("mapping.py", "rtlil.py", "fresh.py", *scripts)
    return versions["yosys"] + "".join(read(os.path.join(here, name)) for name in scripts)


def account(mapped, boxes, library):
    """Of each module by itself: area, leakage, cells, flip-flops, RAMs."""
    import rams
    own = {}
    for name, module in mapped.items():
        counts = Counter(cell.kind for cell in module.cells)
        known = {kind: number for kind, number in counts.items() if kind[1:] in library}
        own[name] = {
            "area_um2": round(sum(number * library[kind[1:]].area_um2 for kind, number in known.items()), 1),
            "leakage_nw": round(sum(number * library[kind[1:]].leakage_nw for kind, number in known.items()), 3),
            "cells": sum(known.values()),
            "flops": sum(number for kind, number in known.items() if library[kind[1:]].is_flop),
            "rams": Counter()}
        for kind, number in counts.items():
            if kind in boxes:
                own[name]["rams"][rams.size_of(boxes[kind])] += number
    return own


def hierarchy(mapped, own, name, instance=""):
    """The tree of instances with the sums over each."""
    import rtlil
    node = {"instance": instance, "module": rtlil.base_name(name), **own[name]}
    children = []
    for cell in mapped[name].cells:
        if cell.kind in mapped:
            children.append(hierarchy(mapped, own, cell.kind, cell.name[1:]))
            for key in own[name]:
                node[key] = node[key] + children[-1][key]
    if children:
        node["children"] = children
    return node


def with_rams_listed(node):
    """For JSON: the sizes of RAMs cannot be keys there."""
    node["rams"] = [{"words": words, "width": width, "count": count} for (words, width), count in sorted(node["rams"].items())]
    for key in node.keys() & {"area_um2", "leakage_nw"}:
        node[key] = round(node[key], 3)
    for child in node.get("children", []):
        with_rams_listed(child)
    return node


def exceptions(mapped, top, reset):
    """What is no path, as OpenSTA's commands, and the names of the large nets among them."""
    import netlist
    fanouts = netlist.Fanouts(mapped)
    large = {kind: fanouts.large(kind) for kind in mapped}
    commands, nets = [f"set_false_path -from [get_ports {reset}]"], []
    for path, kind in netlist.instances(mapped, top):
        for cell, pin, net in large[kind]:
            where = f"{path}/{cell}" if path else cell
            commands.append(f"set_false_path -through [get_pins {{{netlist.verilog_name(where)}/{pin}}}]")
            nets.append(f"{path}/{net}" if path else net)
    return commands, nets


def write_netlist(mapped, boxes, top, name, work):
    """The path of a design as Verilog, its top under that name."""
    import pyosys.libyosys as yosys
    import rtlil
    words, path = os.path.join(work, "whole.il"), os.path.join(work, "whole.v")
    with open(words, "w") as file:
        file.write("".join(rtlil.stub(module, box) for box, module in boxes.items()))
        file.write("".join(module.text() for module in mapped.values()))
    with quiet(os.path.join(work, "yosys.log")):
        design = yosys.Design()
        for command in (f"read_rtlil {words}", f"rename {top[1:]} {name}", "splitnets",
                        f"write_verilog -noattr -noexpr -simple-lhs {path}"):
            design.run_pass(command)
    return path


def time_paths(mapped, boxes, top, options, work):
    import rams
    import timing
    tell("timing")
    commands, nets = exceptions(mapped, top, options.reset)
    path = write_netlist(mapped, boxes, top, options.top, work)
    with open(os.path.join(work, "rams.lib"), "w") as file:
        file.write(rams.liberty(boxes, rams.Model()))
    result = timing.worst_paths(path, f"{work}/rams.lib", options.top, options.clock, commands, work)
    return {**result, "false_paths": [options.reset, *nets]}


def elaborate(options, parameters, work):
    """The modules that differ, and the top's name."""
    import mapping
    import rtlil
    tell("reading the RTL")
    with quiet(os.path.join(work, "yosys.log")):
        modules = mapping.elaborate(options.files, options.top, parameters, work)
    return rtlil.unique_modules(modules, "\\" + options.top)


def mapped_design(unique, options, versions, work):
    """{name: Module} in cells with each flip-flop called after what it holds, and the boxes of its memories."""
    import cells
    import netlist
    import rams
    rams_of_rtl = {name: module for name, module in unique.items() if rams.is_ram(module)}
    logic = {name: module for name, module in unique.items() if name not in rams_of_rtl}
    how = way_of_mapping(versions)
    mapped, boxes = mapped_modules(logic, unique, ("mapping", "to_cells"), how, options.cache, work, options.alike)
    boxes.update(rams_of_rtl)
    library = cells.read_cells()
    for module in mapped.values():
        netlist.name_registers(module, library)
    return mapped, boxes


def to_cells(options, parameters, versions, work):
    import cells
    unique, top = elaborate(options, parameters, work)
    mapped, boxes = mapped_design(unique, options, versions, work)
    tree = hierarchy(mapped, account(mapped, boxes, cells.read_cells()), top)
    result = {"node_nm": cells.NODE_NM, "hierarchy": with_rams_listed(tree)}
    if options.timed:
        result["timing"] = time_paths(mapped, boxes, top, options, work)
    return result


def to_fpga(options, parameters, versions, work):
    import fpga
    import rams
    unique, top = elaborate(options, parameters, work)
    how = way_of_mapping(versions, "fpga.py") + options.target
    mapped, _ = mapped_modules(unique, unique, ("fpga", "to_primitives", options.target), how, options.cache, work, options.alike)
    own = fpga.account(mapped, options.target)
    for name, module in unique.items():
        own[name]["rams"] = Counter([rams.size_of(module)] if rams.is_ram(module) else [])
    result = {"hierarchy": with_rams_listed(hierarchy(mapped, own, top))}
    if options.route:
        result["routing"] = routing(mapped, top, options, versions, work)
    return result


def routing(mapped, top, options, versions, work):
    """What place and route says of each unit, the instances right below the top, by itself, or of the machine, whose name
    is ""."""
    import route
    places = {top: [""]} if options.route == "machine" else {}
    for cell in [] if places else mapped[top].cells:
        if cell.kind in mapped:
            places.setdefault(cell.kind, []).append(cell.name[1:])
    units = []
    for number, (kind, names) in enumerate(places.items(), 1):
        tell(f"placing and routing, {number} of {len(places)}, {names[0] or options.top}")
        result = routed(mapped, kind, options, versions, work)
        units += [{"instance": name, **result} for name in names]
    return {"part": route.PART, "speed_grade": route.SPEED_GRADE, "seed": route.SEED, "units": units}


def routed(mapped, kind, options, versions, work):
    """What route.place_and_route says of a unit, from the cache if it is there."""
    import fresh
    import route
    import rtlil
    here = os.path.dirname(os.path.abspath(__file__))
    text = route.text_of(mapped, kind, options.clock)
    key = rtlil.digest("\0".join([text, options.route, json.dumps(versions), read(os.path.join(here, "route.py"))]))
    path = os.path.join(options.cache, f"{rtlil.base_name(kind)}-{key}.route.json")
    known = kept(path)
    if known is not None:
        return json.loads(known)
    fresh.mapped(text, work, "route", "to_netlist")
    result = route.place_and_route(work, options.cache, options.route)
    keep(path, json.dumps(result) + "\n")
    return result


# Scripts that use this one, on which no result depends.
_OF_OTHERS = ("fit.py", "fit_fpga.py", "fpga_rams.py", "gates.py", "gate_energy.py", "stimuli.py")


def recipe(versions, target):
    """A digest of all that a result depends on but the RTL: tools, cells, these scripts, the models of the RAMs."""
    import cells
    import rams
    import rtlil
    here = os.path.dirname(os.path.abspath(__file__))
    texts = [json.dumps(versions)]
    if target == "osu018":
        texts += [rtlil.digest(read(cells.LIBERTY)), read(rams.DATA)]
    texts += [read(os.path.join(here, name)) for name in sorted(os.listdir(here)) if name.endswith(".py") and name not in _OF_OTHERS]
    return "".join(texts)


def whole(options, parameters, versions):
    """The result of a top with its parameters, from the cache if it is there."""
    import rtlil
    import timing
    texts = [recipe(versions, options.target), options.top, options.target, json.dumps(parameters, sort_keys=True)]
    texts += ["exact" if options.alike is None else "alike", "timed" if options.timed else "not timed"]
    texts.append(options.route or "not routed")
    key = rtlil.digest("\0".join(texts + [read(path) for path in options.files]))
    path = os.path.join(options.cache, f"{options.top}-{key}.json")
    known = kept(path)
    if known is not None:
        return json.loads(known)
    watched = os.environ.get("CORANK_KEEP_SYNTHESIS")  # a folder, to look at what the tools were given and said
    with tempfile.TemporaryDirectory(prefix="corank-synthesis-") as folder:
        work = watched or folder
        os.makedirs(work, exist_ok=True)
        try:
            found = (to_cells if options.target == "osu018" else to_fpga)(options, parameters, versions, work)
        except timing.TimingFailed as failed:
            fail("OpenSTA: " + str(failed), 3)
    result = {"top": options.top, "parameters": parameters, "target": options.target, "tools": versions, **found}
    keep(path, json.dumps(result, indent=1) + "\n")
    return result


def main():
    options = arguments()
    os.makedirs(options.cache, exist_ok=True)
    json.dump(whole(options, options.parameters, check_tools(options.target, options.route)), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
