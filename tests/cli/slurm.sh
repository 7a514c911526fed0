#!/usr/bin/env bash
# Slurm on hosts of hosts.sh, for one command: nothing of it is left when the command ends, however that is.
#
#   slurm.sh N CORES COMMAND…   runs COMMAND on the first of N hosts, of which Slurm thinks that each has so many cores
#
# Exit code 77, and a line that says why, where Slurm is not installed or nobody may make hosts.
set -euo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
PATH=$PATH:/usr/sbin
home=/run/slurm  # hosts.sh has a /run of its own

skip() {
  echo "slurm.sh: $*" >&2
  exit 77
}

give_up() {
  cat "$home"/*.log >&2
  echo "slurm.sh: $*; the logs stand above" >&2
  exit 2
}

case ${1:-} in
  inside)  # on host1
    count=$2 cores=$3
    shift 3
    mkdir "$home" "$home/state"
    # No cgroups, which are the machine's. A job that is queued again waits until its old credential has expired.
    cat >"$home/slurm.conf" <<END
ClusterName=hosts
SlurmctldHost=host1(10.99.0.1)
SlurmUser=root
AuthInfo=socket=$home/munge.socket,cred_expire=5
StateSaveLocation=$home/state
SlurmctldPidFile=$home/slurmctld.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdPidFile=$home/%n.pid
SlurmdLogFile=$home/%n.log
SlurmdSpoolDir=$home/spool-%n
SlurmdParameters=config_overrides
TmpFS=$home/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
NodeName=host[1-$count] NodeAddr=10.99.0.[1-$count] CPUs=$cores
PartitionName=all Nodes=ALL Default=YES
END
    export SLURM_CONF=$home/slurm.conf
    (umask 077 && head -c 1024 /dev/urandom >"$home/munge.key")
    munged --socket="$home/munge.socket" --key-file="$home/munge.key" --pid-file="$home/munged.pid" --origin=10.99.0.1 \
      --log-file="$home/munged.log" --seed-file="$home/munged.seed" || give_up "munged did not start"
    slurmctld || give_up "slurmctld did not start"
    for ((i = 1; i <= count; ++i)); do
      mkdir "$home/tmp-host$i" "$home/spool-host$i"
      nsenter --net="/run/netns/host$i" --uts="/run/host$i" slurmd -N "host$i" || give_up "slurmd of host$i did not start"
    done
    for ((i = 0; i < 300; ++i)); do
      [[ $(sinfo --noheader --format=%T 2>/dev/null) != idle ]] || exec "$@"
      sleep 0.1
    done
    give_up "the hosts were not ready within 30 s"
    ;;
  [1-9]*)
    for tool in munged slurmctld slurmd srun; do
      command -v "$tool" >/dev/null || skip "there is no $tool; launch/setup.sh --slurm installs Slurm"
    done
    ((EUID == 0)) || skip "needs root, as Slurm's daemons do"
    exec "${self%/*}/hosts.sh" "$1" "$self" inside "$@"
    ;;
  *) sed -n '2,6p' "$self" >&2 && exit 2 ;;
esac
