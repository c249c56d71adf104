"""One module from words to cells, with Yosys. Modules below it are boxes, so each is mapped once, however often it is used."""

import os
import re

import pyosys.libyosys as yosys

import cells
import rtlil

# What is smaller is cheaper as flip-flops than as a macro, and memory compilers begin at 16 words.
SMALLEST_MACRO_BITS = 2048
FEWEST_MACRO_WORDS = 16
# A macro has one read port; of a memory with a second one there are two copies. Nobody makes eight.
MOST_MACRO_READ_PORTS = 2

# A buffer drives each input; each output has the load of about four gates. They make ABC buffer and size the gates.
_CONSTRAINTS = "set_driving_cell BUFX2\nset_load 40.0\n"
_TARGET_PS = 1000  # short, so that ABC always works on the delay

_TO_WORDS = ["proc", "opt_expr", "opt_clean"]
_COARSE = ["synth -run begin:fine"]
_TO_GATES = ["opt -fast -full", "memory_map", "opt -undriven -fine", "techmap", "opt -fast", "dfflibmap -liberty {liberty}",
             "abc -liberty {liberty} -constr {constraints} -D {target}", "opt_clean -purge"]


def run(design, commands):
    for command in commands:
        design.run_pass(command)


def elaborate(files, top, parameters, work):
    """The modules of a design as words, {name: Module}, and its top's name."""
    design = yosys.Design()
    overrides = " ".join(f"-G {name}={value}" for name, value in parameters.items())
    run(design, [f"read_slang --keep-hierarchy --top {top} -D SYNTHESIS {overrides} {' '.join(files)}",
                 f"hierarchy -check -top {top}", *_TO_WORDS])
    path = os.path.join(work, "words.il")
    design.run_pass(f"write_rtlil {path}")
    with open(path) as file:
        return rtlil.parse(file.read())


def _interface_name(module):
    """Of a child, for its parent's mapping: all that it depends on."""
    interface = rtlil.stub(module, "\\m")
    return f"\\{rtlil.base_name(module.name)}$i{rtlil.digest(interface)}"


def input_of(module, modules):
    """The text from which a module is mapped: itself and its children as boxes."""
    names = {cell.kind: _interface_name(modules[cell.kind]) for cell in module.cells if cell.kind in modules}
    boxes = {new: rtlil.stub(modules[old], new) for old, new in names.items()}
    return "".join(boxes[name] for name in sorted(boxes)) + rtlil.renumbered(module, names)


def _box_memories(module):
    """Puts a box in the place of each memory that is large enough for a macro."""
    boxes = {}
    for cell in module.cells:
        if cell.kind != "$mem_v2":
            continue
        parameters = cell.parameters()
        number = {name: _value(parameters[name]) for name in ("SIZE", "WIDTH", "RD_PORTS", "WR_PORTS")}
        if number["SIZE"] * number["WIDTH"] < SMALLEST_MACRO_BITS or number["SIZE"] < FEWEST_MACRO_WORDS:
            continue
        if number["RD_PORTS"] > MOST_MACRO_READ_PORTS:
            continue
        clocked = "1" in parameters["RD_CLK_ENABLE"].split("'")[-1]
        cell.kind = "\\inline_memory__{SIZE}x{WIDTH}r{RD_PORTS}w{WR_PORTS}".format(**number) + ("" if clocked else "a")
        cell.lines = [line for line in cell.lines if not line.startswith("parameter")]
        cell.lines = [line for line in cell.lines if not re.match(r"connect \\(RD_ARST|RD_SRST) ", line)]
        boxes[cell.kind] = _memory_stub(cell.kind, **number)
    return boxes


def _value(text):
    return int(text.split("'")[1], 2) if "'" in text else int(text)


def _memory_stub(name, SIZE, WIDTH, RD_PORTS, WR_PORTS):
    address = max((SIZE - 1).bit_length(), 1)
    ports = [("RD_CLK", "input", RD_PORTS), ("RD_EN", "input", RD_PORTS), ("RD_ADDR", "input", RD_PORTS * address),
             ("RD_DATA", "output", RD_PORTS * WIDTH), ("WR_CLK", "input", WR_PORTS), ("WR_EN", "input", WR_PORTS * WIDTH),
             ("WR_ADDR", "input", WR_PORTS * address), ("WR_DATA", "input", WR_PORTS * WIDTH)]
    lines = ["attribute \\blackbox 1", "module " + name]
    lines += [f"wire width {width} {direction} {number} \\{port}" for number, (port, direction, width) in enumerate(ports, 1)]
    return "\n".join([*lines, "end", ""])


def read_text(design, text, work):
    path = os.path.join(work, "read.il")
    with open(path, "w") as file:
        file.write(text)
    design.run_pass(f"read_rtlil {path}")


def written_text(design, work):
    path = os.path.join(work, "written.il")
    design.run_pass(f"write_rtlil {path}")
    with open(path) as file:
        return file.read()


def to_cells(text, work):
    """The text of a module (input_of) as cells: the module `\\m` and the boxes that it uses."""
    constraints = os.path.join(work, "constraints")
    with open(constraints, "w") as file:
        file.write(_CONSTRAINTS)
    design = yosys.Design()
    read_text(design, text, work)
    run(design, [command + " -top m" for command in _COARSE])
    modules = rtlil.parse(written_text(design, work))
    memories = _box_memories(modules["\\m"])
    boxes = "".join(rtlil.stub(module, name) for name, module in modules.items() if name != "\\m")
    design = yosys.Design()
    read_text(design, boxes + "".join(memories.values()) + modules["\\m"].text(), work)
    run(design, [command.format(liberty=cells.LIBERTY, constraints=constraints, target=_TARGET_PS) for command in _TO_GATES])
    return written_text(design, work)
