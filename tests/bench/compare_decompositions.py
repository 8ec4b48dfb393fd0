#!/usr/bin/env python3
"""Relative errors of `caldera decompose` over matrices and option sets, as a Markdown table.

    compare_decompositions.py CALDERA OPTIONS FILE.safetensors ...

OPTIONS is a text file of lines `name: options of caldera decompose`; the first is the baseline.
Matrices come from `caldera calibrate`. The last rows are the geometric mean of each column over the
first, and the seconds of one core in sum. As many decompositions run at once as there are cores."""
import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys


def decompose(program, file, options):
    command = [program, "decompose", "--weight", str(file), "--json", "--threads", "1"]
    command += options.split()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    report = json.loads(done.stdout)
    return report["relative_error"], report["seconds"]


def main():
    program, options_file, *files = sys.argv[1:]
    lines = pathlib.Path(options_file).read_text().splitlines()
    sets = [line.split(":", 1) for line in lines if ":" in line]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        table = [[pool.submit(decompose, program, file, options) for _, options in sets]
                 for file in files]
        print("| matrix | " + " | ".join(name for name, _ in sets) + " |")
        print("|---|" + "---|" * len(sets))
        ratios, seconds = [0.0] * len(sets), [0.0] * len(sets)
        for file, row in zip(files, table):
            results = [cell.result() for cell in row]
            for i, (error, time) in enumerate(results):
                ratios[i] += math.log(max(error, 1e-12) / max(results[0][0], 1e-12)) / len(files)
                seconds[i] += time
            name = pathlib.Path(file).name.removesuffix(".safetensors")
            print(f"| {name} | " + " | ".join(f"{error:.4f}" for error, _ in results) + " |",
                  flush=True)
    print("| mean ratio | " + " | ".join(f"{math.exp(ratio):.4f}" for ratio in ratios) + " |")
    print("| seconds | " + " | ".join(f"{time:.1f}" for time in seconds) + " |")


if __name__ == "__main__":
    main()
