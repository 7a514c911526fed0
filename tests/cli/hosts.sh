#!/usr/bin/env bash
# Several hosts on this machine, made of network namespaces, for one command: nothing of them is left when it ends, however that is.
#
#   hosts.sh N COMMAND…        runs COMMAND on the first of N hosts, host1 … hostN, where mpirun reaches the others
#
# For COMMAND itself:
#
#   hosts.sh cut I             takes the link of host I down
#   hosts.sh mute I J SECONDS  lets nothing of host I reach host J for a while
#   hosts.sh stop I            stops all that runs on host I
#   hosts.sh kill I PROGRAM    kills all processes of PROGRAM on host I at once
#   hosts.sh signal-rank SIGNAL R PROGRAM   sends SIGNAL to rank R of PROGRAM
#
# Exit code 77, and a line that says why, where this machine lets nobody make namespaces.
set -euo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
net=10.99.0

on() {
  local i=$1
  shift
  exec nsenter --net="/run/netns/host$i" --uts="/run/host$i" "$@"
}

case ${1:-} in
  agent)  # what mpirun takes for ssh: [options] HOST COMMAND…
    shift
    while [[ $1 == -* ]]; do shift; done
    i=${1#host}
    shift
    if [[ -z $(ip -n switch link show up "port$i" 2>/dev/null) ]]; then
      echo "hosts.sh: host$i does not answer" >&2
      exit 255
    fi
    on "$i" bash -c "$*"
    ;;
  cut) ip -n switch link set "port$2" down ;;
  mute)
    ip -n "host$2" route add blackhole "$net.$3/32"
    sleep "$4"
    ip -n "host$2" route del blackhole "$net.$3/32"
    ;;
  stop) ip netns pids "host$2" | xargs kill -STOP ;;
  signal-rank)
    for process in /proc/[0-9]*; do
      if [[ $(readlink "$process/exe") == "$(readlink -f "$4")" ]] && grep -qz "^OMPI_COMM_WORLD_RANK=$3$" "$process/environ"; then
        kill "-$2" "${process#/proc/}"
      fi
    done
    ;;
  kill)
    processes=()
    for process in $(ip netns pids "host$2"); do
      [[ $(readlink "/proc/$process/exe") != "$(readlink -f "$3")" ]] || processes+=("$process")
    done
    kill -KILL "${processes[@]}"
    ;;
  inside)  # the namespaces of the command itself
    count=$2
    shift 2
    mount -t tmpfs hosts /run
    mount -t tmpfs hosts /dev/shm  # a rank of the same name may have left its memory on the machine
    mkdir /run/netns /run/tmp
    touch /run/netns/switch
    mount --bind /proc/self/ns/net /run/netns/switch
    {
      for ((i = 1; i <= count; ++i)); do echo "$net.$i host$i"; done
      cat /etc/hosts
    } >/run/hosts
    mount --bind /run/hosts /etc/hosts
    export TMPDIR=/run/tmp  # mpirun's folder for this user may be another's here
    ip link add switch type bridge
    ip link set switch up
    for ((i = 1; i <= count; ++i)); do
      ip netns add "host$i"
      ip link add "port$i" type veth peer name eth0 netns "host$i"
      ip link set "port$i" master switch up
      ip -n "host$i" addr add "$net.$i/24" dev eth0
      ip -n "host$i" link set eth0 up
      ip -n "host$i" link set lo up
      touch "/run/host$i"
      unshare --uts="/run/host$i" hostname "host$i"
    done
    unset PRTE_MCA_rmaps_default_mapping_policy  # with which hosts' slots do not count
    # Open MPI 4, then 5.
    export OMPI_MCA_plm_rsh_agent="$self agent" PRTE_MCA_plm_ssh_agent="$self agent"
    export OMPI_MCA_oob_tcp_if_include="$net.0/24" PRTE_MCA_prte_if_include="$net.0/24" OMPI_MCA_btl_tcp_if_include="$net.0/24"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    on 1 "$@"
    ;;
  [1-9]*)
    as_root=()
    ((EUID == 0)) || as_root=(--user --map-root-user)
    spaces=("${as_root[@]}" --net --mount --uts --pid --mount-proc --fork --kill-child)
    if ! refusal=$(unshare "${spaces[@]}" sh -c 'mount -t tmpfs hosts /run && ip link add switch type bridge' 2>&1); then
      echo "hosts.sh: this machine lets this user make no network namespaces (${refusal//$'\n'/; }); needs root or user namespaces" >&2
      exit 77
    fi
    exec unshare "${spaces[@]}" "$self" inside "$@"
    ;;
  *) sed -n '2,14p' "$self" >&2 && exit 2 ;;
esac
