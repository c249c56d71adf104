"""A mapped design put together from its modules."""

import re
from collections import Counter

import rtlil

LARGE_FANOUT = 512


def _scalar(signal):
    return signal[0] not in "{0123456789"


def name_registers(module, library):
    """Calls each flip-flop after what it holds, so that a path says where it begins and ends."""
    used = Counter()
    for cell in module.cells:
        kind = library.get(cell.kind[1:])
        if kind is None or not kind.is_flop:
            continue
        held = cell.connections().get("Q", "")
        if held.startswith("\\"):
            name = held.replace(" ", "")
            used[name] += 1
            cell.name = f"{name}_reg" + (f"_{used[name]}" if used[name] > 1 else "")


class Fanouts:
    """How many pins of cells hang on a net of one bit, modules below included."""

    def __init__(self, modules):
        self._modules = modules
        self._loads = {}

    def of_port(self, kind, port):
        return self.loads(kind).get("\\" + port, 0) if kind in self._modules else 1

    def loads(self, kind):
        if kind not in self._loads:
            module, loads = self._modules[kind], Counter()
            for cell in module.cells:
                for pin, signal in cell.connections().items():
                    if _scalar(signal):
                        loads[signal] += self.of_port(cell.kind, pin)
            for line in reversed(module.tail):
                _, to, source = line.split(None, 2) if line.count(" ") == 2 else (None, "{", "{")
                if _scalar(to) and _scalar(source):
                    loads[source] += loads[to]
            self._loads[kind] = loads
        return self._loads[kind]

    def large(self, kind):
        """[(cell, pin, net)] of the drivers of large nets in a module; the cells are renamed after the nets."""
        found = []
        for cell in self._modules[kind].cells:
            if cell.kind in self._modules:
                continue
            for pin, signal in cell.connections().items():
                if pin in ("Y", "Q") and _scalar(signal) and self.loads(kind)[signal] > LARGE_FANOUT:
                    if not cell.name.startswith("\\"):
                        cell.name = f"\\large_{len(found)}"
                    found.append((cell.name[1:], pin, signal.lstrip("\\")))
        return found


def instances(modules, top):
    """(path, kind) of every instance, the top first with the path ""."""
    yield "", top
    waiting = [("", top)]
    while waiting:
        path, kind = waiting.pop()
        for cell in modules[kind].cells:
            if cell.kind in modules:
                below = f"{path}/{cell.name[1:]}" if path else cell.name[1:]
                yield below, cell.kind
                waiting.append((below, cell.kind))


def verilog_name(path):
    """As OpenSTA wants a name in a Tcl list: brackets are escaped."""
    return re.sub(r"([\[\]$])", r"\\\\\1", path)
