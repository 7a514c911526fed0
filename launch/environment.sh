# shellcheck shell=bash
# To be sourced, by the scripts here and by anyone who starts mpirun by hand: source launch/environment.sh
# Sets what Open MPI needs to know about this machine; defines
#   lockstep_cores    cores this shell may use: what to give mpirun as -np
#   lockstep_mpirun   mpirun with the flags for any number of ranks on this machine (array)
#   lockstep_mpirun_for RANKS   makes it mpirun with the flags that suit so many best, or srun if LOCKSTEP_LAUNCHER is srun
#   lockstep_check_root   fails with advice where Open MPI would refuse to run as root

# Physical cores, as mpirun counts them: within the affinity mask, siblings of one core once, and no more than the
# processor time that a container is granted.
lockstep_count_cores() {
  local cores quota period allowed cpu last
  allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status 2>/dev/null) || allowed=""
  cores=$(
    for range in ${allowed//,/ }; do
      last=${range#*-}
      for ((cpu = ${range%-*}; cpu <= last; ++cpu)); do
        cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list" 2>/dev/null || true
      done
    done | sort -u | wc -l
  )
  ((cores > 0)) || cores=$(nproc)  # no /sys
  if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [[ $quota != max ]] &&
    ((quota / period < cores)); then
    cores=$((quota < period ? 1 : quota / period))
  fi
  echo "$cores"
}

lockstep_in_container() {
  [[ -n ${container:-} || -n ${KUBERNETES_SERVICE_HOST:-} || -e /.dockerenv || -e /run/.containerenv ]] ||
    grep -qsE 'docker|containerd|kubepods|libpod|lxc' /proc/1/cgroup ||
    { command -v systemd-detect-virt >/dev/null && systemd-detect-virt --quiet --container; }
}

lockstep_check_root() {
  if ((EUID == 0)) && [[ -z ${OMPI_ALLOW_RUN_AS_ROOT:-} || -z ${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM:-} ]]; then
    echo "Open MPI does not run as root outside a container: use another account (it needs sudo only to install" \
      "packages), or export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" >&2
    return 2
  fi
}

# In a container root is the usual user, and harmless.
if ((EUID == 0)) && lockstep_in_container; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# Open MPI 5 looks in the kernel's routes for a way between ranks, does not find the one from a machine to itself, and warns of
# that once a rank; by their addresses it sees it.
export OMPI_MCA_reachable=${OMPI_MCA_reachable:-weighted}

# Every mpirun begins with the first core: ranks are bound where they take all cores, and free where a second job is to have
# the others. mpirun would read the standard input of the loop that calls it.
# Slurm's srun binds ranks as the job says; a job's nodes have equal parts of them.
lockstep_mpirun_for() {
  local here=$((($1 - 1) / ${SLURM_NNODES:-1} + 1))
  if [[ ${LOCKSTEP_LAUNCHER:-} == srun ]]; then
    lockstep_mpirun=(srun --mpi=pmix --input=none)
    return
  fi
  lockstep_mpirun=(mpirun --stdin none)
  if ((here == lockstep_cores)); then
    lockstep_mpirun+=(--bind-to core:if-supported)
  else
    lockstep_mpirun+=(--bind-to none)
  fi
  ((here <= lockstep_cores)) || lockstep_mpirun+=(--oversubscribe)
}

# shellcheck disable=SC2034  # it is for those who source this file
lockstep_cores=$(lockstep_count_cores)
lockstep_mpirun=(mpirun --stdin none --bind-to none)
