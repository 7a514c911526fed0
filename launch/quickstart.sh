#!/usr/bin/env bash
# From a fresh machine to a trained network: installs what is missing, builds, and trains on Fashion-MNIST with mpirun
# on all cores. Arguments go to `lockstep train`, for example: launch/quickstart.sh --train.epochs 3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source launch/environment.sh
lockstep_check_root
launch/setup.sh

# The program alone; tests stay configured where launch/test.sh has installed what they need.
tests=OFF
[[ -e /usr/include/gtest/gtest.h && -e /usr/include/gmock/gmock.h ]] && tests=ON
cmake --preset release -DBUILD_TESTING=$tests --log-level=WARNING
cmake --build --preset release --target lockstep

train=("${lockstep_mpirun[@]}" -np "$lockstep_cores" build/release/lockstep train --config configs/quickstart.cfg "$@")
echo "+ ${train[*]}"
"${train[@]}"

run=RUN  # as named on the command line
if [[ " $* " != *" --run.dir"* ]]; then
  runs=(runs/[0-9]*)  # named by date and time: the newest is the last
  run=${runs[-1]}
fi
cat <<END

Trained with $lockstep_cores ranks, one a core; the run is in $run. From $PWD, go on with

  source launch/environment.sh                         # once a shell, for mpirun
  build/release/lockstep inspect $run/weights.safetensors
  build/release/lockstep evaluate --weights $run/weights.safetensors
  build/release/lockstep verify --config configs/quickstart.cfg    # the same bits at every rank count
  mpirun -np $lockstep_cores build/release/lockstep train --data.source FILE.csv --data.label NAME \\
    --model.layers "linear 64, relu, linear 3"         # your own data: IDX files or CSV

README.md has the rest.
END
