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

run=
arguments=("$@")
for i in "${!arguments[@]}"; do
  case ${arguments[i]} in
    --run.dir) run=${arguments[i + 1]:-} ;;
    --run.dir=*) run=${arguments[i]#*=} ;;
  esac
done
if [[ -z $run ]]; then # a folder of its own, also where two start in the same second
  mkdir -p runs
  name=runs/$(date +%Y-%m-%d-%H%M%S)
  run=$name
  for ((number = 2; ; ++number)); do
    mkdir "$run" 2>/dev/null && break
    [[ -e $run ]] || { echo "quickstart.sh: $run: cannot be made; make $PWD/runs writable" >&2 && exit 2; }
    run=$name-$number
  done
  trap 'rmdir "$run" runs 2>/dev/null || true' EXIT # if nothing came of it
fi

lockstep_mpirun_for "$lockstep_cores"
train=("${lockstep_mpirun[@]}" -np "$lockstep_cores" build/release/lockstep train --config configs/quickstart.cfg
  --run.dir "$run" "$@")
echo "+ ${train[*]}"
"${train[@]}"

cat <<END

Trained with $lockstep_cores ranks, one a core; the run is in $run. From $PWD, go on with

  source launch/environment.sh                         # once a shell, for mpirun
  build/release/lockstep inspect $run/weights.safetensors
  build/release/lockstep evaluate --weights $run/weights.safetensors
  mpirun --oversubscribe -np 8 build/release/lockstep verify --config $run/config.cfg   # same bits at 1 to 8 ranks
  mpirun -np $lockstep_cores build/release/lockstep train --data.source FILE.csv --data.label NAME \\
    --model.layers "linear 64, relu, linear 3"         # your own data: CSV files, pictures …

README.md has the rest.
END
