"""Yosys' netlists as text (RTLIL): modules, their ports and cells, and which modules are the same.

slang makes a module of its own of every instance. Two of them are the same hardware if their texts are, once the
places in the sources and the numbers that Yosys gave are taken out.
"""

import hashlib
import re
from dataclasses import dataclass, field

_DIRECTIONS = ("input", "output", "inout")
_NUMBERED = re.compile(r"\$[^\s\[\]{}\"]+")
# Of a memory whose reader does not care what it reads of a word that is written: without it Yosys puts flip-flops and
# comparators around each block RAM that keep the old word.
_KEPT_ATTRIBUTE = "attribute \\no_rw_check "


@dataclass
class Cell:
    kind: str
    name: str
    lines: list = field(default_factory=list)  # parameters and connections

    def parameters(self):
        found = {}
        for line in self.lines:
            words = line.split(None, 3)
            if words[0] == "parameter":
                found[words[-2].lstrip("\\")] = words[-1]
        return found

    def connections(self):
        return {w[1].lstrip("\\"): w[2] for w in (line.split(None, 2) for line in self.lines) if w[0] == "connect"}


@dataclass
class Module:
    name: str
    head: list = field(default_factory=list)  # wires, memories with the line of an attribute that is kept
    cells: list = field(default_factory=list)
    tail: list = field(default_factory=list)  # connections

    def ports(self):
        """(name, direction, width) by name."""
        found = []
        for line in self.head:
            words = line.split()
            if words[0] != "wire":
                continue
            for direction in _DIRECTIONS:
                if direction in words:
                    width = int(words[words.index("width") + 1]) if "width" in words else 1
                    found.append((words[-1], direction, width))
        return sorted(found)

    def memories(self):
        """(words, bits of a word) of the memories that are still whole."""
        found = []
        for line in self.head:
            words = line.splitlines()[-1].split()
            if words[0] == "memory":
                width = int(words[words.index("width") + 1]) if "width" in words else 1
                found.append((int(words[words.index("size") + 1]), width))
        return found

    def text(self):
        lines = ["module " + self.name, *self.head]
        for cell in self.cells:
            lines += [f"cell {cell.kind} {cell.name}", *cell.lines, "end"]
        return "\n".join([*lines, *self.tail, "end", ""])


def parse(text):
    """The modules of a netlist without processes. Attributes are dropped, but for one of memories."""
    modules, module, cell, kept = {}, None, None, ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith(_KEPT_ATTRIBUTE):
            kept = line + "\n"
        if not line or line[0] == "#" or line.startswith("attribute ") or line.startswith("autoidx "):
            continue
        if module is None:
            module = Module(line.split()[1])
            modules[module.name] = module
        elif cell is not None:
            if line == "end":
                cell = None
            else:
                cell.lines.append(line)
        elif line.startswith("cell "):
            _, kind, name = line.split()
            cell = Cell(kind, name)
            module.cells.append(cell)
        elif line == "end":
            module = None
        elif line.startswith("connect "):
            module.tail.append(line)
        else:
            module.head.append(kept + line if line.startswith("memory ") else line)
        kept = ""
    return modules


def base_name(name):
    """Of a module: `fifo` of `\\fifo$corank_accelerator.u_x.u_fifo`."""
    return re.split(r"\$|__", name.lstrip("\\"))[0]


def stub(module, name):
    """The module as a box: its ports alone."""
    lines = ["attribute \\blackbox 1", "module " + name]
    for number, (port, direction, width) in enumerate(module.ports(), 1):
        lines.append(f"wire width {width} {direction} {number} {port}")
    return "\n".join([*lines, "end", ""])


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _in_order(name):
    """Yosys' numbers grow with the place in the source, whatever they begin with, so by their value the order of names is
    that of the source in every design."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _ports_in_order(head):
    """The lines of wires, which are sorted, with the ports numbered as they come: slang's order changes."""
    port = 0
    for line in head:
        words = line.split()
        for direction in _DIRECTIONS:
            if words[0] == "wire" and direction in words[:-1]:
                port += 1
                words[words.index(direction) + 1] = str(port)
                line = " ".join(words)
        yield line


def renumbered(module, names):
    """The text of a module with Yosys' own names in the order of their use, all else sorted, and the kinds of its children
    replaced: the same for the same hardware."""
    numbers = {}

    def number(match):
        name = match.group()
        if name not in numbers:
            numbers[name] = f"$n{len(numbers)}"
        return numbers[name]

    def line_of(line):
        return _NUMBERED.sub(number, line) if "$" in line else line

    head = sorted(module.head, key=lambda line: _in_order(line.split()[-1]))
    cells = sorted(module.cells, key=lambda cell: _in_order(cell.name))
    lines = ["module \\m", *map(line_of, _ports_in_order(head))]
    for cell in cells:
        kind = names.get(cell.kind, cell.kind)
        lines += [f"cell {kind} {line_of(cell.name)}", *sorted(map(line_of, cell.lines)), "end"]
    return "\n".join([*lines, *sorted(map(line_of, module.tail)), "end", ""])


def unique_modules(modules, top):
    """{new name: module} of those that differ, children first, and the new name of the top. A module's name is its base
    name and the digest of what it and all below it are."""
    names, unique = {}, {}

    def visit(name):
        if name in names:
            return
        module = modules[name]
        for cell in module.cells:
            if cell.kind in modules:
                visit(cell.kind)
        new = f"\\{base_name(name)}__{digest(renumbered(module, names))}"
        names[name] = new
        if new in unique:
            return
        cells = [Cell(names.get(cell.kind, cell.kind), cell.name, cell.lines) for cell in module.cells]
        unique[new] = Module(new, module.head, cells, module.tail)

    visit(top)
    return unique, names[top]
