#!/usr/bin/env bash
# Builds for AArch64 with Debian's cross compiler, runs the unit tests of all arithmetic there under qemu, among them whole
# trainings with known digests, and compares a training by the program with this machine's. Needs root for what it
# installs, and about 1 GB and half an hour of two cores.
#
#   launch/try_aarch64.sh
#
# Libraries of arm64 are unpacked into build/aarch64/sysroot; nothing of them is installed on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh

fail() {
  echo "try_aarch64.sh: $*" >&2
  exit 2
}

[[ $(uname -m) == x86_64 ]] || fail "compares AArch64 with x86-64, and this machine is $(uname -m)"
launch/setup.sh --tests --aarch64
folder=$PWD/build/aarch64
sysroot=$folder/sysroot
if [[ ! -e $sysroot/.whole ]]; then
  rm -rf --one-file-system "$sysroot"
  mkdir -p "$folder"
  libraries=libopenmpi-dev,libeigen3-dev,libboost-program-options-dev,libfmt-dev,nlohmann-json3-dev,libcsv-dev
  libraries+=,zlib1g-dev,libpng-dev,libjpeg-dev,libzip-dev,libhdf5-dev,libxxhash-dev,librandom123-dev,libgtest-dev,libgmock-dev,libgomp1,libstdc++6
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mmdebstrap --variant=extract --architectures=arm64 --include="$libraries" "$release" "$sysroot"
  touch "$sysroot/.whole"
fi

arithmetic='^unit_(core|nn|optim|parallel|train)(_double)?[.]'
export PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:$sysroot/usr/share/pkgconfig
cmake --preset release -B "$folder/release" --toolchain src/cmake/aarch64.cmake -DLOCKSTEP_SYSROOT="$sysroot" \
  -DBUILD_TESTING=ON --log-level=WARNING
cmake --build "$folder/release" --target lockstep_program unit_tests
ctest --test-dir "$folder/release" --parallel "$lockstep_cores" --output-on-failure -R "$arithmetic"

unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
cmake --preset release --log-level=WARNING
cmake --build --preset release --target lockstep_program
train=(train --data.source blobs --data.samples 2000 --model.layers "linear 64, gelu, dropout 0.2, linear 32, tanh, linear 4"
  --train.batch-size 128 --train.steps 200 --optimizer.name adamw --optimizer.clip-norm 1 --schedule.name cosine)
digest_of() { sed -n 's/^weights_digest //p'; }
here=$(build/release/lockstep "${train[@]}" --run.dir "$folder/run-x86-64" | digest_of)
there=$(qemu-aarch64 -L "$sysroot" "$folder/release/lockstep" "${train[@]}" --run.dir "$folder/run-aarch64" | digest_of)
echo "weights_digest $here on x86-64, $there on AArch64"
[[ -n $here && $here == "$there" ]]
