#!/usr/bin/env bash
#SBATCH --job-name=lockstep
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=32
#SBATCH --threads-per-core=1
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#
# Trains as a job of Slurm, through time limits and failures to the end, with one rank a core: copy it, edit the lines above,
# and submit it in Lockstep's folder with the arguments of supervise.sh, which starts the run again when it fails.
#
#   sbatch launch/slurm.sh --run.dir DIR [train's arguments …]
#
# Before the time is up, Slurm sends the signal above: the run writes a checkpoint and ends, and the job is queued again to go
# on in DIR. It is queued again, too, where supervise.sh gives up but the job has written a checkpoint. `scancel JOB` ends it
# for good. Ranks are started by srun where Slurm knows PMIx, else by mpirun, or as LOCKSTEP_LAUNCHER=srun or =mpirun says.
set -uo pipefail

fail() {
  echo "slurm.sh: $*" >&2
  exit 2
}

[[ -n ${SLURM_NTASKS:-} ]] || fail "this is no job of Slurm; submit it: sbatch launch/slurm.sh --run.dir DIR [SETTINGS]"
[[ -x launch/supervise.sh ]] || fail "$PWD has no launch/supervise.sh; submit the job in Lockstep's folder, or with --chdir"
launcher=${LOCKSTEP_LAUNCHER:-$([[ $(srun --mpi=list 2>&1) == *pmix* ]] && echo srun || echo mpirun)}
[[ $launcher == @(srun|mpirun) ]] || fail "LOCKSTEP_LAUNCHER=$launcher: expected srun or mpirun"
export LOCKSTEP_LAUNCHER=$launcher
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # srun does not take it from the job

began=$(date +%s)
time_is_up=0
launch/supervise.sh --ranks "$SLURM_NTASKS" "$@" &
run=$!
trap 'time_is_up=1; kill -USR1 "$run" 2>/dev/null' USR1
trap 'time_is_up=0; kill -USR1 "$run" 2>/dev/null' TERM # scancel
while kill -0 "$run" 2>/dev/null; do wait "$run"; done  # a signal ends the wait alone
wait "$run"
code=$?

case $code in
  0 | 2 | 3) exit "$code" ;; # the run has ended, or would only fail again
  4) ((time_is_up)) || exit 4 ;;
  *)
    directory=$(printf '%s\n' "$@" | sed -n '/^--run\.dir$/ { n; p }; s/^--run\.dir=//p')
    [[ -n $(find "$directory/checkpoints" -name 'step-*' -newermt "@$began" -print -quit 2>/dev/null) ]] || exit "$code"
    ;;
esac
echo "slurm.sh: the job is queued again, to go on from the newest checkpoint" >&2
scontrol requeue "$SLURM_JOB_ID" || fail "it could not be; submit it again with the same arguments"
