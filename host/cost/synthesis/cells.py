"""The standard cells: osu018, 180 nm, typical, 1.8 V, 25 C, from Debian's qflow-tech-osu018 (Oklahoma State University)."""

import re
from dataclasses import dataclass

LIBERTY = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"
NODE_NM = 180


@dataclass
class LibraryCell:
    area_um2: float
    leakage_nw: float
    is_flop: bool


def read_cells(path=LIBERTY):
    """{name: LibraryCell} of a liberty file."""
    with open(path) as file:
        text = file.read()
    cells = {}
    for part in re.split(r"^cell \(", text, flags=re.M)[1:]:
        area = re.search(r"^\s*area : ([\d.]+)", part, re.M)
        leakage = re.search(r"^\s*cell_leakage_power : ([\d.]+)", part, re.M)
        cells[part.split(")")[0]] = LibraryCell(
            float(area.group(1)), float(leakage.group(1)) if leakage else 0.0, re.search(r"\bff\s*\(", part) is not None)
    return cells
