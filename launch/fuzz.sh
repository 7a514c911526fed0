#!/usr/bin/env bash
# Gives the readers of files and texts inputs that libFuzzer makes up from those in tests/fuzz/seeds, under the address and
# undefined-behaviour sanitizers. Fails on any finding, and says where its input is kept.
#
#   launch/fuzz.sh [RUNS]     inputs made up for each target (20000)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=${1:-20000}
[[ $runs =~ ^[1-9][0-9]*$ ]] || { echo "fuzz.sh: '$runs': expected how many inputs, a whole number" >&2 && exit 2; }
launch/setup.sh --fuzz
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz

# A reader takes memory for what a file holds, not for what it promises: inputs have at most 4 KB.
# Seeds are kept, since what a child process does with one is not seen.
fuzz() {
  local name=$1 work=build/fuzz/inputs/$1 options=()
  mkdir -p "$work/new" "$work/findings"
  [[ -e tests/fuzz/seeds/$name.dict ]] && options=("-dict=tests/fuzz/seeds/$name.dict")
  # Its library, in a child process, may take what memory and time the reader lets it.
  [[ $name == hdf5 ]] && options+=(-malloc_limit_mb=0 -timeout=100)
  if "build/fuzz/tests/fuzz/fuzz_$name" -runs="$runs" -seed=1 -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
    -malloc_limit_mb=64 -keep_seed=1 -print_final_stats=1 -artifact_prefix="$work/findings/" "${options[@]}" \
    "$work/new" "tests/fuzz/seeds/$name" >"$work/log" 2>&1; then
    awk -v name="$name" '/ cov: / { edges = $4 } /number_of_executed_units/ { inputs = $2 }
      END { printf "fuzz: %-12s %9d inputs, %5d edges covered\n", name, inputs, edges }' "$work/log"
  else
    tail -30 "$work/log" >&2
    echo "fuzz: $name: a finding; give its input to build/fuzz/tests/fuzz/fuzz_$name (see above, or $work/log)" >&2
    return 1
  fi
}
export -f fuzz
export runs

# shellcheck disable=SC2016  # the inner shell expands it
find tests/fuzz/seeds -mindepth 1 -maxdepth 1 -type d -printf '%f\0' | sort -z |
  xargs -0 -n 1 -P "$(nproc)" bash -euc 'fuzz "$1"' fuzz
