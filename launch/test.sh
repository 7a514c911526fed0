#!/usr/bin/env bash
# Installs what is missing, builds, runs all tests; or those of one kind of build, each in a build folder of its own, so that
# the next run builds only what has changed:
#
#   launch/test.sh [KIND] [ctest's arguments …]     for example: launch/test.sh -R unit_optim
#
#   --compiler clang     all tests, built by clang
#   --sanitize           unit tests and bad input, with the address and undefined-behaviour sanitizers
#   --thread-sanitizer   unit tests of threads, watchdog, signals and checkpoints, with the thread sanitizer (clang)
#   --docs               links and comments, and Doxygen on the public headers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=release
setup=(--tests)
case ${1:-} in
  --compiler)
    [[ ${2:-} == clang ]] || { echo "test.sh: --compiler ${2:-}: expected clang" >&2 && exit 2; }
    preset=clang setup+=(--fuzz)
    shift 2
    ;;
  --sanitize) preset=asan && shift ;;
  --thread-sanitizer) preset=tsan setup+=(--fuzz) && shift ;;
  --docs) preset=documentation setup+=(--docs) && shift ;;
esac
configuration=${preset/documentation/release}

source launch/environment.sh
lockstep_check_root
launch/setup.sh "${setup[@]}"

if [[ $preset == tsan ]]; then
  # libarcher, of clang's OpenMP, tells the sanitizer where its threads wait for each other.
  export TSAN_OPTIONS="ignore_noninstrumented_modules=1 ${TSAN_OPTIONS:-}"
fi
cmake --preset "$configuration" -DBUILD_TESTING=ON ${CI:+-DLOCKSTEP_WERROR=ON}
cmake --build --preset "$preset"
# Two places a core: what computes takes both (PROCESSORS), and what mostly waits for processes to start takes one.
ctest --preset "$preset" --parallel "$((2 * lockstep_cores))" "$@"
