#!/usr/bin/env bash
# Installs what Lockstep needs on Debian 12+ or Ubuntu 22.04+. What is there already is left alone, so that running
# this again costs nothing and, with nothing missing, needs neither root nor the network.
#
#   launch/setup.sh [--tests] [--slurm] [--lint] [--docs] [--fuzz] [--pytorch] [--aarch64]
set -euo pipefail

packages=(
  g++ cmake ninja-build                                     # build
  libopenmpi-dev openmpi-bin                                # message passing (brings the ssh client mpirun asks for)
  libeigen3-dev                                             # matrices and their decompositions
  libboost-program-options-dev libfmt-dev                   # command line, text
  nlohmann-json3-dev libcsv-dev zlib1g-dev libxxhash-dev    # files and digests
  libpng-dev libjpeg-dev                                    # pictures
  libzip-dev libhdf5-dev                                    # arrays
  librandom123-dev                                          # counter-based random numbers
  dataset-fashion-mnist                                     # the images of the quickstart
)
# Packages that not every system has, and what becomes of it there.
declare -A optional=()

fail() {
  echo "setup.sh: $*" >&2
  exit 2
}

for argument in "$@"; do
  case $argument in
    --tests)
      packages+=(libgtest-dev libgmock-dev python3 iproute2)
      optional["chromium chromium-driver python3-selenium"]="page tests are left out"  # Ubuntu's browsers are snaps
      ;;
    --slurm) packages+=(slurmctld slurmd slurm-client munge) ;;  # what the tests start; needs a slurm.conf else
    --lint) packages+=(clang-format clang-tidy shellcheck) ;;
    --docs) packages+=(doxygen) ;;  # the public headers as HTML: target documentation
    --fuzz)
      packages+=(clang libomp-dev)
      optional[libclang-rt-dev]="clang itself brings the sanitizers and libFuzzer"
      ;;
    --pytorch) packages+=(python3-torch libopenblas0-pthread) ;;  # what compare_pytorch.sh compares with
    --aarch64) packages+=(g++-aarch64-linux-gnu qemu-user mmdebstrap) ;;  # what try_aarch64.sh builds with and runs on
    *) fail "unknown argument '$argument'; expected any of --tests, --slurm, --lint, --docs, --fuzz, --pytorch, --aarch64" ;;
  esac
done

# Prints those of its arguments that are not installed, on one line.
missing() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s ' "$package"
  done
}

# Whether apt has a candidate of all of its arguments; of a package that others only mention it knows the name and no more.
available() {
  local package
  for package in "$@"; do
    # Not through a pipe: apt-cache would fail where nobody reads the rest of its answer.
    [[ $(LC_ALL=C apt-cache policy "$package") =~ Candidate:\ [^\(] ]] || return 1
  done
}

command -v apt-get >/dev/null ||
  fail "this machine has no apt; install the equivalents of: ${packages[*]} - then build with 'cmake --preset release'"

read -ra needed <<<"$(missing "${packages[@]}")"
wanted=()
for group in "${!optional[@]}"; do
  read -ra members <<<"$group"
  [[ -z $(missing "${members[@]}") ]] || wanted+=("$group")
done
((${#needed[@]} + ${#wanted[@]})) || exit 0

if ((EUID == 0)); then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo env)
elif ((${#needed[@]})); then
  fail "cannot install without root or sudo; have an administrator run: apt-get install ${needed[*]}"
else
  exit 0  # only the optional ones are missing
fi
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get --quiet -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)

if ((${#needed[@]})) || ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
  # One unreachable third-party source need not stop us; if a package cannot be had, the installation below says so.
  "${apt[@]}" update || echo "setup.sh: 'apt-get update' reported errors; going on with the package lists at hand" >&2
fi
if ((${#needed[@]})); then
  echo "setup.sh: installing ${needed[*]}"
  "${apt[@]}" install --yes --no-install-recommends "${needed[@]}" ||
    fail "apt-get could not install ${needed[*]}; see its message above (on Ubuntu, is 'universe' enabled?)"
fi

for group in "${wanted[@]}"; do
  read -ra members <<<"$group"
  if available "${members[@]}"; then
    echo "setup.sh: installing $group (optional)"
    "${apt[@]}" install --yes --no-install-recommends "${members[@]}" ||
      echo "setup.sh: $group could not be installed; going on without, ${optional[$group]}" >&2
  else
    echo "setup.sh: there is no $group for this machine; going on without, ${optional[$group]}"
  fi
done
