"""The standard cells: osu018, 180 nm, typical, 1.8 V, 25 C, from Debian's qflow-tech-osu018 (Oklahoma State University)."""

import itertools
import re
from dataclasses import dataclass, field

LIBERTY = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"
NODE_NM = 180
VOLTS = 1.8
# Between the two shortest transitions of most tables; a net's own is not known without wires.
_TRANSITION_NS = 0.15


@dataclass
class LibraryCell:
    area_um2: float
    leakage_nw: float
    is_flop: bool


def read_cells(path=LIBERTY):
    """{name: LibraryCell} of a liberty file."""
    cells = {}
    for group in read_groups(path):
        leakage = group.values.get("cell_leakage_power", "0")
        cells[group.arguments] = LibraryCell(float(group.values["area"]), float(leakage), any(group.below("ff")))
    return cells


@dataclass
class Group:
    """`kind (arguments) { name : value; name (value); groups }` of a liberty file."""
    kind: str
    arguments: str
    values: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)

    def below(self, kind):
        return (group for group in self.groups if group.kind == kind)


_STATEMENT = re.compile(r"\s*(?:(\w+)\s*\(([^()]*)\)\s*\{|(\w+)\s*:\s*([^;]*);|(\w+)\s*\(([^()]*)\)\s*;|(\}))", re.S)


def read_groups(path=LIBERTY):
    """The cells of a liberty file."""
    with open(path) as file:
        text = re.sub(r"/\*.*?\*/|\\\n", " ", file.read(), flags=re.S)
    open_groups, at = [Group("", "")], 0
    while (match := _STATEMENT.match(text, at)) is not None:
        at = match.end()
        kind, arguments, name, value, function, words, end = match.groups()
        if kind:
            open_groups.append(Group(kind, arguments.strip()))
            open_groups[-2].groups.append(open_groups[-1])
        elif end:
            open_groups.pop()
        else:
            open_groups[-1].values[name or function] = (value if name else words).replace('"', "").strip()
    return list(open_groups[0].groups[0].below("cell"))


def expression(function):
    """A liberty function with the operators of Verilog: an AND is written as nothing there."""
    words = re.findall(r"\w+|[()!+*^&|]", function)
    text = ""
    for word, following in itertools.zip_longest(words, words[1:]):
        text += {"!": "~", "+": " | ", "*": " & "}.get(word, word)
        ends = word == ")" or word.isidentifier()
        if ends and following is not None and (following in "(!" or following.isidentifier()):
            text += " & "
    return text


def _numbers(text):
    return [float(word) for word in text.replace(",", " ").split()]


def _at(axis, values, where):
    """On the line through the two points around, or the two nearest."""
    i = next((i for i in range(1, len(axis) - 1) if where <= axis[i]), len(axis) - 1)
    return values[i - 1] + (where - axis[i - 1]) / (axis[i] - axis[i - 1]) * (values[i] - values[i - 1])


def _by_load(table):
    """The loads of a table of internal energy and the values there, at one transition time."""
    loads, transitions = _numbers(table.values["index_1"]), _numbers(table.values["index_2"])
    values = _numbers(table.values["values"])
    rows = [values[i * len(transitions):(i + 1) * len(transitions)] for i in range(len(loads))]
    return loads, [_at(transitions, row, _TRANSITION_NS) for row in rows]


def _energy_of_output(pin):
    """The mean over the inputs that can make it change."""
    tables = {edge: [_by_load(table) for power in pin.below("internal_power") for table in power.below(f"{edge}_power")]
              for edge in ("rise", "fall")}
    mean = {edge: [sum(values) / len(values) for values in zip(*(values for _, values in of_edge))]
            for edge, of_edge in tables.items()}
    return {"load_pf": tables["rise"][0][0], **{edge: [round(x, 6) for x in values] for edge, values in mean.items()}}


def _energy_of_input(pin):
    """[rise, fall] that an input takes by itself, whatever the output does."""
    found = [0.0, 0.0]
    for power in pin.below("internal_power"):
        for i, edge in enumerate(("rise", "fall")):
            for table in power.below(f"{edge}_power"):
                found[i] = round(_at(_numbers(table.values["index_1"]), _numbers(table.values["values"]), _TRANSITION_NS), 6)
    return found


@dataclass
class Gate:
    """What a cell does, and its capacitances (pF) and internal energies (pJ: the unit is capacitance x voltage squared)."""
    inputs: list
    outputs: dict  # name: function as a Verilog expression
    flop: dict     # {} or the names of its pins: clock, data, output
    capacitance_pf: dict
    output_pj: dict
    input_pj: dict

    def table(self, output):
        """Bit n is the output for the inputs that are the bits of n, the first the lowest."""
        bits = 0
        for n in range(1 << len(self.inputs)):
            values = {name: n >> i & 1 for i, name in enumerate(self.inputs)}
            bits |= (eval(self.outputs[output], {}, values) & 1) << n
        return bits

    def verilog(self, name):
        ports = ", ".join([f"input {pin}" for pin in self.inputs] + [f"output {pin}" for pin in self.outputs])
        if self.flop:
            ports = f"input {self.flop['clock']}, input {self.flop['data']}, output reg {self.flop['output']}"
            return f"module {name} ({ports}); always @(posedge {self.flop['clock']}) {self.flop['output']} <= {self.flop['data']}; endmodule\n"
        body = " ".join(f"assign {pin} = {function};" for pin, function in self.outputs.items())
        return f"module {name} ({ports}); {body} endmodule\n"


def read_gates(path=LIBERTY):
    """{name: Gate} of the cells that a mapped design can have: gates and flip-flops without set and clear."""
    gates = {}
    for cell in read_groups(path):
        pins = {pin.arguments: pin for pin in cell.below("pin")}
        ff = next(cell.below("ff"), None)
        if any(cell.below("latch")) or any("three_state" in pin.values for pin in pins.values()):
            continue
        if ff is not None and ("clear" in ff.values or "preset" in ff.values or ff.values["clocked_on"] not in pins):
            continue
        inputs = [name for name, pin in pins.items() if pin.values["direction"] == "input"]
        outputs = [name for name, pin in pins.items() if pin.values["direction"] == "output"]
        flop = {"clock": ff.values["clocked_on"], "data": ff.values["next_state"], "output": outputs[0]} if ff else {}
        gates[cell.arguments] = Gate(
            inputs, {} if ff else {name: expression(pins[name].values["function"]) for name in outputs}, flop,
            {name: float(pins[name].values["capacitance"]) for name in inputs},
            {name: _energy_of_output(pins[name]) for name in outputs},
            {name: _energy_of_input(pins[name]) for name in inputs})
    return gates
