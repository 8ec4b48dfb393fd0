#!/usr/bin/env python3
"""Counts the instructions of the inner loops of products in a kernel's machine code.

    nvcc -std=c++20 -O3 -I. --expt-relaxed-constexpr -gencode arch=compute_86,code=sm_86 \\
        -cubin -o step.cubin kernels/step/step_cuda.cu
    tests/bench/loop_instructions.py NVDISASM step.cubin

Prints one line for every innermost loop that holds whole-number products: how many instructions of
each pipe one turn of it has. docs/experiments/decode-kernel.md reckons with them.
"""
import collections
import re
import subprocess
import sys

PIPES = {
    "integer": {"LOP3", "SHF", "PRMT", "ISETP", "LEA", "SEL", "IADD3", "IMNMX", "LOP", "VIADD", "PLOP3", "FSEL", "FSETP", "MOV"},
    "multiply": {"IMAD", "IDP", "FFMA", "FADD", "FMUL"},
    "tensor": {"IMMA", "HMMA"},
    "shared": {"LDS", "STS", "LDSM"},
    "global": {"LDG", "STG", "LDGSTS", "LD", "ST"},
    "local": {"LDL", "STL"},
}


def functions(listing):
    """Instructions and labels of every function, in order."""
    found, current = {}, None
    for line in listing.splitlines():
        if match := re.match(r"\s*\.text\.(\S+):", line):
            current = found.setdefault(match.group(1), [])
        elif current is not None and (match := re.match(r"\s*(\.L_x_\d+):", line)):
            current.append((match.group(1), None))
        elif current is not None and (match := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?);", line)):
            current.append((None, match.group(1)))
    return found


def product_loops(code):
    """(first, last) places of loops that hold products, but no other loop that does."""
    place = {label: i for i, (label, _) in enumerate(code) if label}
    loops = set()
    for i, (_, text) in enumerate(code):
        match = re.search(r"BRA\S*\s+.*`\((\.L_x_\d+)\)", text or "")
        if match and place.get(match.group(1), i) < i:
            loops.add((place[match.group(1)], i))
    loops = {loop for loop in loops if has_products(operations(code, loop))}
    return sorted(a for a in loops if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops))


def operations(code, loop):
    words = (text.split() for _, text in code[loop[0]:loop[1] + 1] if text)
    return collections.Counter((w[1] if w[0].startswith("@") else w[0]).split(".")[0] for w in words)


def has_products(counts):
    return counts["IDP"] >= 32 or counts["IMMA"] >= 8


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    listing = subprocess.run([sys.argv[1], "-c", sys.argv[2]], capture_output=True, text=True, check=True).stdout
    for name, code in functions(listing).items():
        for loop in product_loops(code):
            counts = operations(code, loop)
            pipes = {pipe: sum(counts[op] for op in ops) for pipe, ops in PIPES.items()}
            pipes["other"] = sum(counts.values()) - sum(pipes.values())
            kernel = "several" if "stepKernelILb1" in name else "one"
            print(f"{kernel:8} all {sum(counts.values()):4}  " + "  ".join(f"{k} {v}" for k, v in pipes.items()) +
                  f"  (IDP {counts['IDP']}, IMMA {counts['IMMA']}, LDS {counts['LDS']}, LDG {counts['LDG']})")


if __name__ == "__main__":
    main()
