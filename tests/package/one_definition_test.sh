#!/usr/bin/env bash
# No strong symbol is defined twice in the libraries $1 …: float and double, and all parts, fit into one program.
set -euo pipefail
twice=$(nm --extern-only --defined-only "$@" | awk '$2 ~ /^[TDBR]$/ { print $3 }' | sort | uniq --repeated)
if [[ -n $twice ]]; then
  echo "defined more than once:"
  c++filt <<<"$twice"
  exit 1
fi
