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

database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
# LibTorch's headers hold vectors of types that are complete only later. GCC accepts that with
# C++20's constexpr std::vector, clang does not; it gets a std::vector without constexpr.
mkdir -p "$database/std/bits"
standard=$(echo '#include <vector>' | c++ -x c++ -E - | sed -n 's|^# 1 "\(/.*\)/vector".*|\1|p' | head -1)
sed 's/_GLIBCXX20_CONSTEXPR//' "$standard/bits/stl_vector.h" >"$database/std/bits/stl_vector.h"
awk '/vector<bool/ { rest = 1 } !rest { gsub(/_GLIBCXX20_CONSTEXPR/, "") } { print }' \
    "$standard/bits/vector.tcc" >"$database/std/bits/vector.tcc"
# GCC's precompiled header means nothing to clang, and the sources include what they need.
python3 - "$build/compile_commands.json" "$database" <<'PYTHON'
import json, re, sys
commands = json.load(open(sys.argv[1]))
for entry in commands:
    command = re.sub(r" -include \S*cmake_pch\S*| -Winvalid-pch| -fpch-preprocess| -Werror", "", entry["command"])
    entry["command"] = command + " -isystem " + sys.argv[2] + "/std"
json.dump(commands, open(sys.argv[2] + "/compile_commands.json", "w"))
PYTHON
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(kernels|core|widgets|app)/.*\.cpp$' || true)
[ ${#sources[@]} = 0 ] && exit 0
echo "clang-tidy: ${#sources[@]} files"
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$database"
