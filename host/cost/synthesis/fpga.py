"""A module in the primitives of an FPGA family, with Yosys, and how many of each there are."""

import pyosys.libyosys as yosys

import mapping
import rtlil

# What makes them, and what is counted as what, with how many of it a cell is. A carry cell and a distributed RAM take the
# places of LUTs: of ECP5 2, and 4 with the 2 that write them (nextpnr's "Total LUT4s"); of Xilinx 7 a RAM32M or RAM64M
# those of a SLICEM, 4. Wide multiplexers of ECP5 (PFUMX, L6MUX21) are left out, since their LUTs are used worse: the LUTs
# of a 2x2 machine become 9 % fewer, the clock of its load unit 4 % lower (62.6 to 60.4 MHz).
TARGETS = {
    "ecp5": {
        "command": "synth_ecp5 -noflatten -nowidelut -top m",
        "kinds": {"LUT4": ("lut", 1), "CCU2C": ("lut", 2), "TRELLIS_DPR16X4": ("lut", 6), "TRELLIS_FF": ("ff", 1),
                  "DP16KD": ("bram", 1), "PDPW16KD": ("bram", 1), "MULT18X18D": ("dsp", 1)}},
    "xilinx7": {
        "command": "synth_xilinx -family xc7 -noiopad -noclkbuf -top m",
        "kinds": {**{f"LUT{n}": ("lut", 1) for n in range(1, 7)}, "RAM32M": ("lut", 4), "RAM64M": ("lut", 4),
                  "RAM32X1D": ("lut", 2), "RAM64X1D": ("lut", 2), "RAM128X1D": ("lut", 4), "SRL16E": ("lut", 1),
                  "SRLC32E": ("lut", 1), **{kind: ("ff", 1) for kind in ("FDRE", "FDSE", "FDCE", "FDPE")},
                  "RAMB18E1": ("bram", 1), "RAMB36E1": ("bram", 2), "DSP48E1": ("dsp", 1)}},
}


def to_primitives(text, work, target):
    """The text of a module (mapping.input_of) as primitives. The dead enable of a RAM's read register counts as a second
    reader, and keeps it out of the block RAM, until it is cleaned away."""
    design = yosys.Design()
    mapping.read_text(design, text, work)
    mapping.run(design, ["opt_expr", "opt_dff", "opt_clean", TARGETS[target]["command"], "opt_clean -purge"])
    return mapping.written_text(design, work)


def account(mapped, target):
    """Of each module by itself: LUTs, flip-flops, block RAMs, DSPs."""
    kinds = TARGETS[target]["kinds"]
    own = {}
    for name, module in mapped.items():
        own[name] = dict.fromkeys(("lut", "ff", "bram", "dsp"), 0)
        for cell in module.cells:
            kind = rtlil.base_name(cell.kind)
            if kind in kinds:
                what, number = kinds[kind]
                own[name][what] += number
    return own
