"""Memories: which modules are boxes, what they are, and a timing model of each for OpenSTA.

The times are OpenRAM's at 45 nm, brought to the node of the cells by the ratio of the FO4 delays (configs/cost/sram.json)."""

import json
import math
import os
import re

import rtlil

# In the tree, and where `cmake --install` puts it.
_HERE = os.path.dirname(os.path.abspath(__file__))
_PLACES = [os.path.join(_HERE, *above, "configs", "cost", "sram.json") for above in (("..", "..", ".."), ("..",))]
DATA = next(filter(os.path.exists, _PLACES), _PLACES[0])


def is_ram(module):
    return rtlil.base_name(module.name) == "ram_1r1w"


def size_of(module):
    """(words, bits of a word) of a box, by its memory or, of one that the mapping made, by its name."""
    named = re.search(r"inline_memory__(\d+)x(\d+)r", module.name)
    return (int(named.group(1)), int(named.group(2))) if named else module.memories()[0]


class Model:
    """Set-up and clock to output of a RAM at the node of the cells."""

    def __init__(self, path=DATA):
        with open(path) as file:
            data = json.load(file)["timing"]
        scale = data["fo4_ps"]["180"] / data["fo4_ps"]["45"]
        self._setup = data["setup_ns"] * scale
        self._by_words = [(math.log2(point["words"]), point["clock_to_output_ns"] * scale) for point in data["of_16_bits"]]
        self._by_width = [(math.log2(point["width"]), point["clock_to_output_ns"] * scale) for point in data["of_128_words"]]

    def times(self, words, width):
        """(set-up, clock to output) in ns: the curve over the words, moved by what the width adds."""
        wider = _on_line(self._by_width, math.log2(width)) - self._by_width[0][1]
        return self._setup, _on_line(self._by_words, math.log2(words)) + wider


def _on_line(points, at):
    """Linear between points and beyond the last; before the first its own value."""
    if at <= points[0][0]:
        return points[0][1]
    index = next((i for i in range(1, len(points)) if at <= points[i][0]), len(points) - 1)
    (x0, y0), (x1, y1) = points[index - 1], points[index]
    return y0 + (at - x0) / (x1 - x0) * (y1 - y0)


def _pin(name, direction, width, timing):
    body = f"direction : {direction}; capacitance : 0.01;\n{timing}"
    if width == 1:
        return f"pin ({name}) {{ {body} }}\n"
    return f"bus ({name}) {{ bus_type : t{width}; {body} }}\n"


def _arc(related, kind, sense, names, value):
    unate = f"timing_sense : {sense}; " if sense else ""
    tables = "".join(f'{name} (scalar) {{ values ("{value:.4f}"); }} ' for name in names)
    return f'timing () {{ related_pin : "{related}"; timing_type : {kind}; {unate}{tables}}}\n'


_OUTPUT = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")


def liberty(boxes, model):
    """A library of the boxes: every input is registered at the clock's edge, every output comes from it. Inputs named
    RD_ADDR of an in-line memory without a clocked read port lead to the outputs directly."""
    text, widths = [], set()
    for name, module in boxes.items():
        words, width = size_of(module)
        setup, output = model.times(words, width)
        ports = module.ports()
        clocks = [port[1:] for port, direction, _ in ports if direction == "input" and re.search("clk", port, re.I)]
        asynchronous = name.endswith("a") and "inline_memory" in name
        pins = []
        for port, direction, bits in ports:
            widths.add(bits)
            port = port[1:]
            if direction == "output":
                if asynchronous:
                    timing = _arc("RD_ADDR", "combinational", "non_unate", _OUTPUT, output)
                else:
                    clock = "RD_CLK" if "RD_CLK" in clocks else clocks[0]
                    timing = _arc(clock, "rising_edge", "non_unate", _OUTPUT, output)
                pins.append(_pin(port, "output", bits, timing))
            elif port in clocks:
                pins.append(_pin(port, "input", bits, "clock : true;"))
            elif asynchronous and port.startswith("RD_"):
                pins.append(_pin(port, "input", bits, ""))
            else:
                clock = "WR_CLK" if port.startswith("WR_") else clocks[0]
                pins.append(_pin(port, "input", bits, _arc(clock, "setup_rising", "", ("rise_constraint", "fall_constraint"), setup)))
        text.append(f"cell ({name[1:]}) {{ area : 0;\n{''.join(pins)}}}\n")
    types = "".join(f"type (t{bits}) {{ base_type : array; data_type : bit; bit_width : {bits}; bit_from : {bits - 1}; bit_to : 0; }}\n"
                    for bits in sorted(widths) if bits > 1)
    thresholds = "".join(f"input_threshold_pct_{edge} : 50; output_threshold_pct_{edge} : 50; "
                         f"slew_lower_threshold_pct_{edge} : 20; slew_upper_threshold_pct_{edge} : 80;\n" for edge in ("rise", "fall"))
    return ('library (rams) {\ntime_unit : "1ns"; voltage_unit : "1V"; current_unit : "1uA"; capacitive_load_unit (1,pf);\n'
            "delay_model : table_lookup; nom_voltage : 1.8; nom_temperature : 25; nom_process : 1;\n"
            + thresholds + types + "".join(text) + "}\n")
