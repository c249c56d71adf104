"""Static timing of a netlist of cells with OpenSTA: an ideal clock, no wires, RAMs by a model of their own."""

import re
import shutil
import subprocess

import cells

_PERIOD_NS = 20.0  # of the clock against which slack is measured; what the report says does not depend on it
_ENDS = 40000      # end points at most

# For each end point its slack, start and end; then the worst path of each of the worst pairs of registers in full.
_SCRIPT = r"""
read_liberty {liberty}
read_liberty {rams}
read_verilog {netlist}
link_design {top}
create_clock -name clock -period {period} [get_ports {clock}]
{exceptions}
set ends [find_timing_paths -path_group clock -group_count {ends} -endpoint_count 1 -sort_by_slack]
set told {{}}
set worst {{}}
foreach end $ends {{
  set from [get_property [get_property $end startpoint] full_name]
  set to [get_property [get_property $end endpoint] full_name]
  set slack [get_property $end slack]
  puts "END $slack $from $to"
  regsub -all {{\[[0-9]+\]|_reg[^ ]*|\\}} "$from $to" {{}} pair
  if {{[llength $worst] < {paths} && [lsearch -exact $told $pair] < 0}} {{
    lappend told $pair
    lappend worst [list $slack $from $to]
  }}
}}
foreach path $worst {{  # not above: a new search ends the life of the paths found
  puts "PATH [join $path]"
  report_checks -to [get_pins [lindex $path 2]] -path_group clock -format full -digits 4 -no_line_splits
}}
exit
"""


class ToolMissing(Exception):
    pass


class TimingFailed(Exception):
    pass


def version():
    if shutil.which("sta") is None:
        raise ToolMissing("OpenSTA (`sta`)")
    return subprocess.run(["sta", "-version"], capture_output=True, text=True, check=True).stdout.strip()


def _plain(name):
    """Of a pin: its register or RAM without the number of the bit and the pin of a flip-flop."""
    name = name.replace("\\", "")
    name = re.sub(r"_reg(_\d+)?/[A-Z]+$", "", name)
    return re.sub(r"\[\d+\]$", "", name)


def _unit(name):
    """The instance right below the top, "" for the top's own logic."""
    return name.replace("\\", "").split("/")[0] if "/" in name.replace("_reg/", "") else ""


def _through(lines):
    """The instances that a path passes in their order, by a report of OpenSTA."""
    passed = []
    for line in lines:
        words = line.split()
        if len(words) < 4 or words[2] not in ("^", "v"):
            continue
        parts = words[3].replace("\\", "").rsplit("/", 2)
        inside = parts[0] if len(parts) == 3 else ""
        if not passed or passed[-1] != inside:
            passed.append(inside)
    return passed


def worst_paths(netlist, rams, top, clock, exceptions, work, paths=8):
    """The paths from register to register: {"ends": worst delay by unit, "paths": the worst by pair of registers}."""
    script = f"{work}/timing.tcl"
    with open(script, "w") as file:
        file.write(_SCRIPT.format(liberty=cells.LIBERTY, rams=rams, netlist=netlist, top=top, clock=clock,
                                  period=_PERIOD_NS, exceptions="\n".join(exceptions), ends=_ENDS, paths=paths))
    done = subprocess.run(["sta", "-no_init", "-no_splash", "-exit", script], capture_output=True, text=True)
    with open(f"{work}/timing.log", "w") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode != 0 or re.search(r"^Error", done.stdout + done.stderr, re.M):
        raise TimingFailed((done.stdout + done.stderr)[-2000:])
    units, worst, path = {}, [], None
    for line in done.stdout.splitlines():
        if line.startswith(("END ", "PATH ")):
            kind, slack, start, end = line.split(None, 3)
            found = {"delay_ns": round(_PERIOD_NS - float(slack), 3), "from": _plain(start), "to": _plain(end)}
            path = []
            if kind == "PATH":
                worst.append((found, path))
            else:
                units.setdefault(_unit(end), found)  # the slowest comes first
        elif path is not None:
            path.append(line)
    return {"units": units, "paths": [{**what, "through": _through(lines)} for what, lines in worst]}
