"""The Python package against the program: reports, settings, mappings, errors, and a sweep as a frame.

Needs corank and pandas importable; $CORANK names the program. Arguments: the tree.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import corank

TREE = Path(sys.argv.pop(1)).resolve()
QUICKSTART = TREE / "configs/quickstart.yaml"


def report_of_the_program(folder, *options):
    subprocess.run([corank.program(), "run", QUICKSTART, "--fidelity", "cycle", "--out", folder, *options],
                   check=True, capture_output=True)
    return json.loads(Path(folder, "report.json").read_text())


class Run(unittest.TestCase):
    def test_a_report_is_that_of_the_command_line(self):
        with tempfile.TemporaryDirectory() as folder:
            expected = report_of_the_program(folder)
        found = corank.run(QUICKSTART)
        for report in (found, expected):
            del report["simulation"]  # what this computer took
        self.assertEqual(found, expected)

    def test_settings_by_keyword_and_by_path_are_the_same(self):
        by_keyword = corank.run(QUICKSTART, memory__latency_ns=300, values="off")
        by_path = corank.run(QUICKSTART, **{"memory.latency_ns": 300, "values": "off"})
        plain = corank.run(QUICKSTART, values="off")
        self.assertEqual(by_keyword["counters"], by_path["counters"])
        self.assertGreater(by_keyword["counters"]["cycles"], plain["counters"]["cycles"])

    def test_a_mapping_is_a_configuration(self):
        shapes = {"tokens": 32, "layers": [{"in": 64, "out": 64, "rank": 4}]}
        report = corank.run({"values": "off", "workload": {"shapes": shapes}})
        self.assertGreater(report["counters"]["cycles"], 32 * 64 * 64 * 2 // 64)  # an 8 x 8 array

    def test_what_is_wrong_is_said_in_the_programs_words(self):
        with self.assertRaisesRegex(corank.InputError, "accelerator.array.rows"):
            corank.run(QUICKSTART, accelerator__array__rows=0)
        with self.assertRaises(corank.InputError):
            corank.run("no such file.yaml")

    def test_files_are_kept_where_they_are_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            report = corank.run(QUICKSTART, out=os.path.join(folder, "kept"), values="off")
            kept = json.loads(Path(folder, "kept/report.json").read_text())
        self.assertEqual(report, kept)


class Sweep(unittest.TestCase):
    def test_a_sweep_is_a_frame_of_its_designs(self):
        sweep = {
            "name": "frame",
            "configuration": str(QUICKSTART),
            "axes": {"accelerator.queue_depth": [2, 4], "memory.latency_ns": [50, 400]},
            "objectives": ["time", "area"],
            "search": {"method": "all"},
        }
        with tempfile.TemporaryDirectory() as folder:
            frame = corank.sweep(sweep, os.path.join(folder, "sweep"), workers=1)
        self.assertEqual(len(frame), 4)
        self.assertEqual(list(frame["memory.latency_ns"]), [50, 400, 50, 400])
        self.assertTrue((frame["status"] == "done").all())
        slow, fast = frame.loc[1, "time"], frame.loc[0, "time"]
        self.assertGreater(slow, fast)
        self.assertTrue(frame.attrs["proved"])
        self.assertFalse(frame.loc[1, "on_front"])  # the same area as design 0, and slower
        report = corank.run(QUICKSTART, values="off", accelerator__queue_depth=2,
                            memory__latency_ns=50)
        step_ns = report["link"]["step"]["ns"]  # as the host sees it
        self.assertAlmostEqual(step_ns, fast, delta=1e-6 * fast)


if __name__ == "__main__":
    unittest.main()
