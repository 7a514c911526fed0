#!/usr/bin/env bash
# Tries both commands of README on systems that have nothing yet: in a bare chroot of each, made by debootstrap, on a clone
# of this checkout's HEAD. Needs root, debootstrap and git, and about 6 GB and an hour of two cores for a system.
#
#   launch/try_systems.sh [--in DIR] [--mirror URL] [SYSTEM …] [-- COMMAND …]
#
#   SYSTEM       bookworm (Debian 12), trixie (Debian 13), jammy (Ubuntu 22.04); all three unless given
#   --in DIR     where the chroots and what was printed are kept (build/systems); one that is there is used again
#   --mirror URL where debootstrap gets the system from (its own choice)
#   COMMAND      in place of both commands, as: -- launch/test.sh -R '^(unit|mpi)_'
#
# All that runs there has namespaces of its own for mounts and processes: they end with it, also on Ctrl-C.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "try_systems.sh: $*" >&2
  exit 2
}

folder=$root/build/systems
mirror=
systems=()
commands=(launch/quickstart.sh launch/test.sh)
while (($#)); do
  case $1 in
    --in) folder=${2:?"--in: a folder is missing"} && shift ;;
    --mirror) mirror=${2:?"--mirror: an address is missing"} && shift ;;
    bookworm | trixie | jammy) systems+=("$1") ;;
    --)
      shift
      (($#)) || fail "a command is missing after --"
      commands=("${*@Q}")
      break
      ;;
    *) fail "unknown argument '$1'; expected --in, --mirror, -- or any of bookworm, trixie, jammy" ;;
  esac
  shift
done
((${#systems[@]})) || systems=(bookworm trixie jammy)
((EUID == 0)) || fail "needs root, to change into another system"
for tool in debootstrap unshare git; do
  command -v "$tool" >/dev/null || fail "there is no $tool; install it"
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# Makes the chroot of system $1. It gets its name when it is whole, and a mark by which it is known again.
make_chroot() {
  local chroot=$folder/$1 options=(--variant=minbase)
  [[ -e $chroot/etc/lockstep-chroot ]] && return
  [[ ! -e $chroot ]] || fail "$chroot is there, and is none of this script's chroots; name another folder with --in"
  if [[ $1 == jammy ]]; then
    options+=("--components=main,universe")
    [[ -e /usr/share/keyrings/ubuntu-archive-keyring.gpg ]] ||
      fail "Ubuntu's key is missing; install ubuntu-keyring (Debian 13 has it)"
  fi
  rm -rf --one-file-system "$chroot.unfinished"
  debootstrap "${options[@]}" "$1" "$chroot.unfinished" ${mirror:+"$mirror"} || return
  touch "$chroot.unfinished/etc/lockstep-chroot"
  mv "$chroot.unfinished" "$chroot"
}

# Brings HEAD into the chroot $1, also where the checkout is somebody else's.
bring_checkout() {
  local bundle=$1/lockstep.bundle there=(git -C "$1/lockstep" -c advice.detachedHead=false)
  git -c safe.directory="$root" -C "$root" bundle create --quiet "$bundle" HEAD &&
    git init --quiet "$1/lockstep" &&
    "${there[@]}" fetch --quiet "$bundle" HEAD &&
    "${there[@]}" checkout --quiet --force --detach FETCH_HEAD
}

# Becomes command $2 in the checkout of chroot $1. Processes count from 1 there again, and a folder that an mpirun of
# the same number has left would stop another.
become_inside() {
  find "$1/tmp" -mindepth 1 -delete
  cp --dereference /etc/resolv.conf "$1/etc/resolv.conf"
  # shellcheck disable=SC2016  # the inner shell expands it
  exec unshare --mount --pid --fork --kill-child --propagation private bash -euc '
    mount --bind "$1" "$1"  # its root is to be a mount, which namespaces inside of it need
    mount -t proc proc "$1/proc"
    mount --rbind /sys "$1/sys"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$1/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
      OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 bash -c "cd /lockstep && $2"' inside "$1" "$2"
}

inside=
trap '[[ -z $inside ]] || kill -KILL "$inside" 2>/dev/null; exit 130' INT TERM

results=()
failed=0
for system in "${systems[@]}"; do
  if ! { make_chroot "$system" && bring_checkout "$folder/$system"; }; then
    results+=("$system: no chroot could be made") && failed=1
    continue
  fi
  for command in "${commands[@]}"; do
    echo "+ $system: $command"
    code=0
    become_inside "$folder/$system" "$command" </dev/null &> >(tee -a "$folder/$system.log") &
    inside=$!
    wait "$inside" || code=$?
    inside=
    results+=("$system: $command: $( ((code)) && echo "failed with exit code $code" || echo "passed")")
    ((code == 0)) || { failed=1 && break; }
  done
done
printf '%s\n' "${results[@]}"
exit "$failed"
