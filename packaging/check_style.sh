#!/usr/bin/env bash
# clang-format and clang-tidy over everything (or over the files given). Needs a configured build.
#   packaging/check_style.sh [--build build/cpu] [FILE ...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/cpu
if [ "${1:-}" = --build ]; then build=$2; shift 2; fi
files=("$@")
if [ ${#files[@]} = 0 ]; then
    mapfile -t files < <(git ls-files 'kernels/*' 'core/*' 'widgets/*' 'app/*' 'tests/*' | grep -E '\.(cpp|h|cu|cuh)$')
fi
echo "clang-format: ${#files[@]} files"
clang-format --dry-run --Werror "${files[@]}"

# GCC's precompiled header means nothing to clang, and the sources include what they need.
database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
python3 - "$build/compile_commands.json" "$database/compile_commands.json" <<'PYTHON'
import json, re, sys
commands = json.load(open(sys.argv[1]))
for entry in commands:
    entry["command"] = re.sub(r" -include \S*cmake_pch\S*| -Winvalid-pch| -fpch-preprocess| -Werror", "", entry["command"])
json.dump(commands, open(sys.argv[2], "w"))
PYTHON
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(kernels|core|widgets|app)/.*\.cpp$' || true)
[ ${#sources[@]} = 0 ] && exit 0
echo "clang-tidy: ${#sources[@]} files"
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$database"
