#!/usr/bin/env bash
# Installs what is missing, builds, runs all tests. Arguments go to ctest, for example: launch/test.sh -R unit_optim
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source launch/environment.sh
lockstep_check_root
launch/setup.sh --tests

cmake --preset release -DBUILD_TESTING=ON ${CI:+-DLOCKSTEP_WERROR=ON}
cmake --build --preset release
ctest --preset release "$@"
