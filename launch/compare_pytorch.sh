#!/usr/bin/env bash
# Trains the same networks with the same batches on Lockstep and on PyTorch (Debian's, DistributedDataParallel over
# gloo) on this machine, in turn, and prints milliseconds a step and how many times as fast Lockstep is; beside it, what
# Lockstep takes with train.precision = bf16.
#
#   launch/compare_pytorch.sh [RANKS [ROUNDS]]     2 ranks and 5 rounds unless given; medians count
set -euo pipefail
export LC_ALL=C # numbers have a point, for sort and awk too
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # kernels for another CPU cost PyTorch up to a third
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ranks=${1:-2}
rounds=${2:-5}
source launch/environment.sh
lockstep_check_root
launch/setup.sh --pytorch
cmake --preset release --log-level=WARNING
cmake --build --preset release --target lockstep_program >/dev/null

pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
# 1,025 pictures of noise in CIFAR's form.
python3 -c 'import os, sys
for batch in range(1, 6):
    with open(f"{sys.argv[1]}/data_batch_{batch}.bin", "wb") as file:
        for i in range(205): file.write(bytes([i % 10]) + os.urandom(3072))' "$pictures"

# Seconds a step of network $1, which is the hidden layers of a multi-layer perceptron or a name, at batch $2 on $3 ranks of
# one thread each, or, for 0, in one process with a thread on each core; Lockstep's in precision $4.
lockstep_seconds() {
  local data=fashion-mnist block=() layers="linear ${1//,/, relu, linear }, relu, linear 10"
  case $1 in
    cnn) layers="conv 32 3 pad=1, relu, max-pool 2, conv 64 3 pad=1, relu, max-pool 2, flatten, linear 128, relu, linear 10" ;;
    resnet20)
      data=$pictures
      layers=$(sed -n 's/^layers = //p' configs/images/resnet20.cfg)
      block=(--model.block "$(sed -n 's/^block = //p' configs/images/resnet20.cfg | paste -sd ';')")
      ;;
  esac
  lockstep_mpirun_for "$3"
  "${lockstep_mpirun[@]}" -np "$(($3 ? $3 : 1))" build/release/lockstep bench --json --rounds 3 --train.batch-size "$2" \
    --model.layers "$layers" "${block[@]}" --optimizer.momentum 0.9 --data.source "$data" --train.precision "$4" \
    --train.threads "$(($3 ? 1 : lockstep_cores))" | sed 's/.*"step":{"seconds":\([0-9.e-]*\).*/\1/'
}
pytorch_seconds() {
  local network=784,$1,10 steps=$((2 + 40000 / $2)) threads=$(($3 ? 1 : lockstep_cores))
  if [[ $1 == [a-z]* ]]; then network=$1 steps=$((2 + 4000 / $2)); fi
  OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads \
    /usr/bin/python3 launch/compare_pytorch.py "$network" "$2" "$((steps > 300 ? 300 : steps))" "$3"
}
median() { sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

row='%-22s %6s %-13s  %12s %12s  %6s  %8s\n'
# shellcheck disable=SC2059  # the form of all rows
compare() {
  local ours=() theirs=() in_bf16=()
  for ((round = 0; round < rounds; ++round)); do
    ours+=("$(lockstep_seconds "$1" "$2" "$3" float32)")
    theirs+=("$(pytorch_seconds "$1" "$2" "$3")")
    in_bf16+=("$(lockstep_seconds "$1" "$2" "$3" bf16)")
  done
  local a b where="$3 ranks"
  (($3)) || where="1, $lockstep_cores threads"
  a=$(printf '%s\n' "${ours[@]}" | median)
  b=$(printf '%s\n' "${theirs[@]}" | median)
  printf "$row" "$1" "$2" "$where" "$(milliseconds "$a")" "$(milliseconds "$b")" \
    "$(awk "BEGIN { printf \"%.2f\", $b / $a }")" "$(milliseconds "$(printf '%s\n' "${in_bf16[@]}" | median)")"
}
milliseconds() { awk "BEGIN { printf \"%.3f\", 1000 * $1 }"; }
# shellcheck disable=SC2059
printf "$row" "hidden layers, or name" batch ranks "Lockstep ms" "PyTorch ms" ratio "bf16 ms"
for batch in 1024 256 64; do compare 1024,1024 "$batch" "$ranks"; done
for batch in 1024 64; do compare 128 "$batch" "$ranks"; done
compare 1024,1024 1024 1
compare 1024,1024 1024 0
for batch in 256 64; do compare cnn "$batch" "$ranks"; done
for batch in 128 1024; do compare resnet20 "$batch" "$ranks"; done
compare resnet20 128 1
