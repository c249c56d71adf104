"""What a RAM with one read and one write port takes of an FPGA: Yosys' rule, memory_libmap over the family's primitives.

Of Xilinx 7 these are RAM32M and RAM64M (four LUTs of a SLICEM), halves of a block RAM (RAMB18E1) and whole ones (RAMB36E1),
in the widths and at the costs of Yosys' share/xilinx/lutrams_xc5v.txt and brams_xc4v.txt: simple dual port, the widest one in
that mode alone. `words` and `width` are those of one primitive, `lut` and `bram` what it takes, in the units of fpga.py.
"""


def _block_rams(cost, halves, shapes):
    return [{"words": words, "width": width, "cost": cost, "lut": 0, "bram": halves} for words, width in shapes]


PRIMITIVES = {
    "xilinx7": [
        {"words": 64, "width": 3, "cost": 8, "lut": 4, "bram": 0},
        {"words": 32, "width": 6, "cost": 8, "lut": 4, "bram": 0},
        *_block_rams(129, 1, [(512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)]),
        *_block_rams(257, 2, [(512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1)])],
}


def taken(primitives, words, width):
    """{kind: amount}: the primitives that cost least together, of equal ones those with the fewest behind one another
    (deep). LUTs that keep bits have no register at their output: each bit of a word takes a flip-flop. Between up to four
    behind one another a LUT chooses each bit, and one more gives each of them its write enable."""
    def number(primitive):
        return -(-words // primitive["words"]), -(-width // primitive["width"])

    def cost(primitive):
        deep, wide = number(primitive)
        return deep * wide * primitive["cost"], deep
    best = min(primitives, key=cost)
    deep, wide = number(best)
    counts = {"lut": deep * wide * best["lut"], "ff": width if best["lut"] else 0, "bram": deep * wide * best["bram"], "dsp": 0}
    if deep > 1:
        counts["lut"] += width * -(-(deep - 1) // 3) + deep
    return counts
