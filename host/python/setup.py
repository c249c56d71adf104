"""Notes in the wheel which tree it was built from: the program that lies there is what runs."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithTree(build_py):
    def run(self):
        super().run()
        tree = Path(__file__).resolve().parents[2]
        Path(self.build_lib, "corank", "_tree.py").write_text(f"TREE = {str(tree)!r}\n")


setup(cmdclass={"build_py": BuildWithTree})
