#!/usr/bin/env python3
"""Relative errors of `caldera decompose` over matrices and option sets, as a Markdown table.

    compare_decompositions.py [--leave-out NAME ...] CALDERA OPTIONS FILE.safetensors ...

OPTIONS is a text file of lines `name: options of caldera decompose`; the first is the baseline.
Matrices come from `caldera calibrate`. The last rows are the geometric mean of each column over the
first, without the matrices of --leave-out (file names without their ending), and the seconds of one
core in sum. As many decompositions run at once as there are cores."""
import argparse
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


def name_of(file):
    return file.name.removesuffix(".safetensors")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="CALDERA")
    parser.add_argument("options", metavar="OPTIONS", type=pathlib.Path)
    parser.add_argument("files", metavar="FILE.safetensors", type=pathlib.Path, nargs="+")
    parser.add_argument("--leave-out", metavar="NAME", action="append", default=[])
    given = parser.parse_args()
    unknown = set(given.leave_out) - {name_of(file) for file in given.files}
    if unknown:
        parser.error(f"--leave-out names no matrix that was given: {', '.join(sorted(unknown))}")
    if len(set(given.leave_out)) == len({name_of(file) for file in given.files}):
        parser.error("--leave-out leaves no matrix for the mean")
    return given


def main():
    given = arguments()
    program, files = given.program, given.files
    sets = [line.split(":", 1) for line in given.options.read_text().splitlines() if ":" in line]
    counted = [file for file in files if name_of(file) not in given.leave_out]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        table = [[pool.submit(decompose, program, file, options) for _, options in sets]
                 for file in files]
        print("| matrix | " + " | ".join(name for name, _ in sets) + " |")
        print("|---|" + "---|" * len(sets))
        ratios, seconds = [0.0] * len(sets), [0.0] * len(sets)
        for file, row in zip(files, table):
            results = [cell.result() for cell in row]
            for i, (error, time) in enumerate(results):
                if file in counted:
                    ratio = max(error, 1e-12) / max(results[0][0], 1e-12)
                    ratios[i] += math.log(ratio) / len(counted)
                seconds[i] += time
            print(f"| {name_of(file)} | " + " | ".join(f"{error:.4f}" for error, _ in results) + " |",
                  flush=True)
    print("| mean ratio | " + " | ".join(f"{math.exp(ratio):.4f}" for ratio in ratios) + " |")
    print("| seconds | " + " | ".join(f"{time:.1f}" for time in seconds) + " |")


if __name__ == "__main__":
    main()
