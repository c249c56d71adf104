"""Maps a module in a process of its own. What Yosys and ABC make of a text depends on what the process has read before: the
array by itself had up to 4 % more gates than after other modules, and whoever came first filled the cache.

    fresh.py SCRIPT FUNCTION WORK [ARGUMENT ...]     WORK/task.il to WORK/result.il
"""

import importlib
import os
import subprocess
import sys


def mapped(text, work, script, function, *arguments):
    """What the function of that script makes of a text; its log goes to WORK/yosys.log, an error of Yosys ends the program."""
    task, result = os.path.join(work, "task.il"), os.path.join(work, "result.il")
    with open(task, "w") as file:
        file.write(text)
    with open(os.path.join(work, "yosys.log"), "a") as log:
        done = subprocess.run([sys.executable, os.path.abspath(__file__), script, function, work, *arguments], stdout=log)
    if done.returncode != 0:
        raise SystemExit(done.returncode if done.returncode > 0 else 1)
    with open(result) as file:
        return file.read()


def main():
    script, function, work, *arguments = sys.argv[1:]
    with open(os.path.join(work, "task.il")) as file:
        text = file.read()
    made = getattr(importlib.import_module(script), function)(text, work, *arguments)
    with open(os.path.join(work, "result.il"), "w") as file:
        file.write(made)


if __name__ == "__main__":
    main()
