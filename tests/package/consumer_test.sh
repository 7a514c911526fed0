#!/usr/bin/env bash
# Installs a build into a prefix of its own, builds tests/consumer against that, outside of the tree, and runs it at 1, 2 and
# 3 ranks: it must print the same each time.
#
#   consumer_test.sh BUILD_FOLDER MPIRUN COMPILER [LAUNCHER]
#
# From the environment the program gets only what mpirun and ccache are to know of this machine.
set -euo pipefail
consumer=$(cd "$(dirname "${BASH_SOURCE[0]}")/../consumer" && pwd)
build=$1
mpirun=$2
compiler=$3
launcher=${4:-}

work=$build/consumer
rm -rf "$work/prefix" "$work/source"
mkdir -p "$work"
cp -r "$consumer" "$work/source"
cmake --install "$build" --prefix "$work/prefix" >/dev/null

clean=(env -i PATH="$PATH" HOME="${HOME:-/}")
while IFS= read -r name; do clean+=("$name=${!name}"); done \
  < <(compgen -e | grep -E '^(OMPI|PRTE|CCACHE)_|^(EVENT_NOEPOLL|ASAN_OPTIONS)$')
cd "$work"
"${clean[@]}" cmake -S source -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" -DCMAKE_PREFIX_PATH="$work/prefix"
"${clean[@]}" cmake --build build

for ranks in 1 2 3; do
  "${clean[@]}" "$mpirun" -np "$ranks" build/consumer | tee "$work/$ranks.txt"
  cmp "$work/1.txt" "$work/$ranks.txt"
done
