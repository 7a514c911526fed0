#!/usr/bin/env bash
# The objects $1 …, each compiled for one vector unit, hold no weak symbols: of those the linker keeps one of all copies, which
# other processors may not be able to run.
set -euo pipefail
weak=$(nm --defined-only "$@" | awk '$2 ~ /^[VWu]$/ { print $3 }')
if [[ -n $weak ]]; then
  echo "weak in an object for one vector unit:"
  c++filt <<<"$weak"
  exit 1
fi
