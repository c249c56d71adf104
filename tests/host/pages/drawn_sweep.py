"""A sweep's table as JSON, drawn by seed: what corank sweep export --json writes, of any size, without a run."""
import itertools
import json
import math
import random


def table(designs, seed=1, name="drawn", ran=0.4):
    """So many designs at most: the first ones of a grid of five axes. A share of them was run."""
    draw = random.Random(seed)
    axes = [("accelerator.array.rows", [4, 8, 16, 32]), ("accelerator.array.columns", [4, 8, 16, 32]),
            ("accelerator.scratchpad.kib", [32 * 2**i for i in range(8)]),
            ("accelerator.accumulator.kib", [16 * 2**i for i in range(8)]),
            ("memory.bandwidth_gb_per_s", [4 * (i + 1) for i in range(20)])]
    grid = list(itertools.islice(itertools.product(*(values for _, values in axes)), 0, None))
    step = max(1, len(grid) // designs)
    points = grid[::step][:designs]
    exact, bounds, status, lines, figures = [], [], [], [], []
    for rows, columns, scratchpad, accumulator, bandwidth in points:
        macs, traffic = 2e9, 4e8 * (1 + 40 / math.sqrt(scratchpad + accumulator))
        least = max(macs / (rows * columns), traffic / bandwidth)
        time = least * (1 + 0.2 * draw.random())
        energy = macs * 0.8 + traffic * 60 + time * rows * columns * 0.02
        area = rows * columns * 0.0012 + (scratchpad + accumulator) * 0.0007 + 0.1
        exact.append([time, energy, area])
        bounds.append([least, energy * 0.9, area])
        was = "done" if draw.random() < ran else ("pruned" if draw.random() < 0.9 else "open")
        status.append(was)
        figures.append({"step_ns": time, "estimate_ns": time * (1 + 0.02 * (draw.random() - 0.5)),
                        "local_bytes": (scratchpad + accumulator) * 1024, "memory_bytes": traffic})
        lines.append("corank run configs/cycle.yaml --fidelity cycle" + "".join(
            f" --set {path}={value}" for (path, _), value in zip(axes, (rows, columns, scratchpad, accumulator, bandwidth))))
    done = [i for i, was in enumerate(status) if was == "done"]
    on_front = front(exact, done)
    names = ["time", "energy", "area"]
    progress = [{"runs": round(len(done) * k / 20), "hypervolume": 1 - 0.5 * math.exp(-0.5 * k) if k < 20 else 1,
                 "pruned": 0.55 * k / 20, "open": 1 - 0.95 * k / 20} for k in range(21)]
    was_run = [was == "done" for was in status]
    return {
        "name": name, "axes": [{"path": path, "values": [str(value) for value in values], "numeric": True} for path, values in axes],
        "objectives": names, "designs": len(points), "rows_left_out": 0,
        "infeasible": {"accelerator.vector.lanes: expected at most the rows": 12}, "violations": 0,
        "proved": False, "tolerance": 0, "progress": progress,
        "rows": {
            "design": list(range(len(points))),
            "values": {path: [str(point[axis]) for point in points] for axis, (path, _) in enumerate(axes)},
            "status": status, "reason": [""] * len(points),
            "bounds": {of: [row[i] for row in bounds] for i, of in enumerate(names)},
            "objectives": {of: [row[i] if was else None for row, was in zip(exact, was_run)] for i, of in enumerate(names)},
            "figures": {of: [row[of] if was else None for row, was in zip(figures, was_run)] for of in figures[0]},
            "bound_by": [draw.choice(["compute (the array), busy in 93.1 % of the cycles", "memory, busy in 88 % of the cycles"])
                         if was else "" for was in was_run],
            "on_front": [i in on_front for i in range(len(points))], "run_line": lines,
        },
    }


def front(values, candidates):
    """Those of three figures that no other one beats: each is compared with the ones kept, in sorted order."""
    kept = []
    for i in sorted(candidates, key=lambda i: values[i]):
        _, second, third = values[i]
        if not any(values[k][1] <= second and values[k][2] <= third for k in kept):
            kept.append(i)
    return set(kept)


def write(path, designs, **more):
    with open(path, "w") as file:
        json.dump(table(designs, **more), file)
