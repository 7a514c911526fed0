#!/bin/sh
# Runs a test, and once more where it failed and mpirun itself crashed in it: with PMIx 4 (Debian 12) mpirun rarely does so
# in PMIx_server_finalize, after all ranks have ended, and its exit code is then no longer that of the ranks. Nothing else
# is ever tried again.
set -u
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
"$@" > "$output" 2>&1
result=$?
cat "$output"
if [ "$result" -ne 0 ] && grep -q 'PMIx_server_finalize+0x' "$output"; then
  echo "mpirun crashed as it ended; the test runs once more"
  "$@"
  result=$?
fi
exit "$result"
