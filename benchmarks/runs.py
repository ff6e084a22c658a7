"""How long does a table of 1,000 runs take, by its files and by the index? python benchmarks/runs.py [COUNT]"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import widgets
from workbench.reports.index import NAME, SETTLED, read_rows_quickly, rebuild
from workbench.reports.store import SCHEMA, write_json
from workbench.reports.table import read_rows


def main(count: int) -> None:
    """Make so many small runs, and time the reading of their rows, the notebook's table and the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            run = Path(folder) / f"{seed:012x}"
            run.mkdir()
            asked = {"showcase": "line", "preset": "default", "parameters": {"seed": seed, "width": 32}}
            write_json(run / "params.json", {"schema": SCHEMA, **asked})
            result = {"complete": True, "iterations": 100, "loss": {"last": 1 / (seed + 1)}, "changes": []}
            result |= {"metrics": {f"metric_{i}": i * 0.1 for i in range(10)}, "tables": {}, "arrays": {}}
            write_json(run / "result.json", {"schema": SCHEMA, **result, "warnings": []})
            write_json(run / "labels.json", {"schema": SCHEMA, "tags": ["a"], "note": "text"})
        time.sleep(SETTLED)
        for way in (read_rows, rebuild, read_rows_quickly):
            for _ in range(3):
                start = time.perf_counter()
                way(folder)
                print(f"{way.__name__} of {count} runs: {time.perf_counter() - start:.3f} s")
        for _ in range(2):
            start = time.perf_counter()
            panel = widgets.runs(folder)
            shown = time.perf_counter()
            panel._on_message(panel.widget, {"kind": "sort", "name": "loss", "seq": 1}, [])
            print(f"the panel: {shown - start:.3f} s, sorting it: {time.perf_counter() - shown:.3f} s")
        for kept in (True, False):
            for _ in range(3):
                if not kept:
                    (Path(folder) / NAME).unlink(missing_ok=True)
                start = time.perf_counter()
                command = [sys.executable, "-m", "workbench", "runs", folder, "--sort", "loss"]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                index = "with the index" if kept else "and no index yet"
                print(f"the whole command {index}: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
