#!/usr/bin/env bash
# Trains to the end through failures: starts `lockstep train` with run.resume = true, and again from the newest
# checkpoint whenever it fails. Gives up after so many failures in a row without a new checkpoint. Returns the exit code
# of the last start.
#
#   launch/supervise.sh [--ranks N] [--fewer] [--failures N] [--program FILE] --run.dir DIR [train's arguments …]
#
#   --ranks N      ranks to start (all cores)
#   --fewer        one rank less after each failure, down to one: for a node or core that is gone
#   --failures N   failures in a row without a new checkpoint after which to give up (3)
#   --program FILE the program (build/release/lockstep, or where Lockstep is installed the lockstep that is found)
#
# Bad usage, configuration or data (exit code 2) and guards (3) would only fail again: those end it at once. So does a
# run that a signal stopped (4): whoever sent it wants the place. Under nohup, it and its run outlive the terminal.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/launch/environment.sh"

fail() {
  echo "supervise.sh: $*" >&2
  exit 2
}

ranks=$lockstep_cores
fewer=0
failures=3
program=$root/build/release/lockstep
[[ -e $program ]] || program=$(command -v lockstep || echo "$program")
directory=
arguments=()
while (($#)); do
  case $1 in
    --ranks) ranks=${2:-} && shift ;;
    --fewer) fewer=1 ;;
    --failures) failures=${2:-} && shift ;;
    --program) program=${2:-} && shift ;;
    --run.dir) directory=${2:-} && arguments+=("$1" "$directory") && shift ;;
    --run.dir=*) directory=${1#*=} && arguments+=("$1") ;;
    *) arguments+=("$1") ;;
  esac
  shift || break
done
[[ $ranks =~ ^[1-9][0-9]{0,5}$ ]] || fail "--ranks $ranks: expected a whole number from 1 to 999999"
[[ $failures =~ ^[1-9][0-9]*$ ]] || fail "--failures $failures: expected a whole number of at least 1"
[[ -n $directory ]] || fail "--run.dir is missing: a run needs a place to be found again"
[[ -f $program && -x $program ]] || fail "$program: no program there; build it, or name it with --program"
lockstep_check_root || exit

newest() {
  find "$directory/checkpoints" -name 'step-*.safetensors' 2>/dev/null | sort | tail -1
}

# A signal goes to mpirun as SIGUSR1, which it passes on as it is: the run stops with a checkpoint and exit code 4. mpirun
# is in a session of its own, where neither Ctrl-C nor the end of the terminal reaches it past this script. Under nohup a
# hang-up is ignored, here and so there.
child=
stopped=0
trap 'stopped=1; [[ -z $child ]] || kill -USR1 "$child" 2>/dev/null' TERM INT HUP USR1

in_a_row=0
while :; do
  ((stopped)) && exit 4
  before=$(newest)
  lockstep_mpirun_for "$ranks"
  setsid "${lockstep_mpirun[@]}" -np "$ranks" "$program" train --run.resume true "${arguments[@]}" &
  child=$!
  code=
  while [[ -z $code ]]; do
    if ((stopped)) && kill -USR1 "$child" 2>/dev/null; then # again: mpirun loses it while it starts its ranks
      sleep 0.5
    else
      wait "$child"
      code=$?
      if kill -0 "$child" 2>/dev/null; then code=; fi # a signal has ended the wait alone
    fi
  done
  child=
  case $code in
    0 | 2 | 3 | 4) exit "$code" ;;
  esac
  ((stopped)) && exit 4 # mpirun may have had the signal too, and ends with a code of its own
  if [[ $(newest) == "$before" ]]; then in_a_row=$((in_a_row + 1)); else in_a_row=0; fi
  if ((in_a_row >= failures)); then
    echo "supervise.sh: $failures failures in a row without a new checkpoint; giving up with exit code $code" >&2
    exit "$code"
  fi
  if ((fewer && ranks > 1)); then ranks=$((ranks - 1)); fi
  echo "supervise.sh: the run failed (exit code $code); starting it again on $ranks ranks" >&2
done
