#!/usr/bin/env bash
# Trains to the end through failures: starts `lockstep train` with run.resume = true, and again from the newest
# checkpoint whenever it fails. Gives up after so many failures in a row without a new checkpoint. Returns the exit code
# of the last start.
#
#   launch/supervise.sh [--ranks N [--fewer] | --hosts FILE] [--failures N] [--program FILE] --run.dir DIR [train's arguments …]
#
#   --ranks N      ranks to start on this machine (all cores)
#   --fewer        one rank less after each failure, down to one: for a core that is gone
#   --hosts FILE   starts on the hosts of this file, as mpirun takes it (HOST slots=N), that answer; again at each start
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

ranks=
fewer=0
hosts=
failures=3
program=$root/build/release/lockstep
[[ -e $program ]] || program=$(command -v lockstep || echo "$program")
directory=
arguments=()
while (($#)); do
  case $1 in
    --ranks) ranks=${2:-} && shift ;;
    --fewer) fewer=1 ;;
    --hosts)
      hosts=${2:-} && shift
      [[ -n $hosts ]] || fail "--hosts: a file is missing"
      ;;
    --failures) failures=${2:-} && shift ;;
    --program) program=${2:-} && shift ;;
    --run.dir) directory=${2:-} && arguments+=("$1" "$directory") && shift ;;
    --run.dir=*) directory=${1#*=} && arguments+=("$1") ;;
    *) arguments+=("$1") ;;
  esac
  shift || break
done
if [[ -n $hosts ]]; then
  [[ -z $ranks && $fewer == 0 ]] || fail "--hosts goes with neither --ranks nor --fewer: slots in $hosts say how many ranks there are"
  [[ -r $hosts ]] || fail "--hosts $hosts: cannot be read"
fi
ranks=${ranks:-$lockstep_cores}
[[ $ranks =~ ^[1-9][0-9]{0,5}$ ]] || fail "--ranks $ranks: expected a whole number from 1 to 999999"
[[ $failures =~ ^[1-9][0-9]*$ ]] || fail "--failures $failures: expected a whole number of at least 1"
[[ -n $directory ]] || fail "--run.dir is missing: a run needs a place to be found again"
[[ -f $program && -x $program ]] || fail "$program: no program there; build it, or name it with --program"
lockstep_check_root || exit

newest() {
  find "$directory/checkpoints" -name 'step-*.safetensors' 2>/dev/null | sort | tail -1
}

# What stands before HOST COMMAND to run it there, as mpirun does, which may know several ways with colons between them.
agent=${OMPI_MCA_plm_rsh_agent:-${PRTE_MCA_plm_ssh_agent:-ssh -o BatchMode=yes -o ConnectTimeout=5}}
read -ra agent <<<"${agent%%:*}"

addresses_of() {
  getent ahosts "${1#*@}" # USER@HOST
}

# Whether $1 is this machine, which mpirun needs no agent for.
is_here() {
  local address
  while read -r address _; do
    [[ $address == 127.* || $address == ::1 || " $(hostname -I) " == *" $address "* ]] && return
  done < <(addresses_of "$1")
  return 1
}

answers() {
  is_here "$1" || timeout 15 "${agent[@]}" "$1" true </dev/null >/dev/null 2>&1
}

# Writes to $answering the lines of $hosts whose host answers, and says which do not.
choose_hosts() {
  local line lines=() checks=() silent=() i
  while read -r line; do
    [[ -n $line ]] || continue
    answers "${line%% *}" &
    checks+=($!) lines+=("$line")
  done < <(host_lines)
  for i in "${!lines[@]}"; do
    if wait "${checks[i]}"; then echo "${lines[i]}"; else silent+=("${lines[i]%% *}"); fi
  done >"$answering"
  ((!${#silent[@]} || stopped)) || echo "supervise.sh: no answer from ${silent[*]}; going on without" >&2
  [[ -s $answering ]]
}

# The lines of $hosts without comments, and empty ones.
host_lines() {
  sed -e 's/#.*//' -e 's/^[[:space:]]*//' -e 's/[[:space:]]/ /g' "$hosts"
  echo # of a last line without its end
}

# mpirun hears of a lost host after 480 s, and then waits for that host without end if its own ranks have ended by
# themselves before. It shall hear in a minute, and not outlive its ranks by more than 5 s.
if [[ -n $hosts ]]; then
  while read -r host _; do
    [[ -z $host ]] || addresses_of "$host" >/dev/null ||
      fail "$hosts: $host: no such host; expected names or addresses that this machine knows"
  done < <(host_lines)
  answering=$(mktemp)
  trap 'rm -f "$answering"' EXIT
  for setting in {OMPI,PRTE}_MCA_oob_tcp_keepalive_{time=30,intvl=10,probes=3}; do
    name=${setting%=*}
    [[ -n ${!name:-} ]] || export "${setting?}"
  done
fi

# Whether mpirun, process $1, has ranks on this machine.
has_ranks() {
  local process processes
  read -ra processes <<<"$(cat "/proc/$1/task/"*/children 2>/dev/null)"
  for process in "${processes[@]}"; do
    [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$process/cmdline") != *" train --run.resume true "* ]] || return 0
  done
  return 1
}

end_without_ranks() {
  local mpirun=$1 seconds=0
  until has_ranks "$mpirun"; do
    kill -0 "$mpirun" 2>/dev/null || return
    sleep 0.2
  done
  while kill -0 "$mpirun" 2>/dev/null; do
    if has_ranks "$mpirun"; then seconds=0; else seconds=$((seconds + 1)); fi
    if ((seconds == 5)); then
      echo "supervise.sh: mpirun has had no ranks here for 5 s, and is ended" >&2
      kill -KILL "$mpirun"
    fi
    sleep 1
  done
}

# A signal goes to mpirun as SIGUSR1, which it passes on as it is: the run stops with a checkpoint and exit code 4. mpirun
# is in a session of its own, where neither Ctrl-C nor the end of the terminal reaches it past this script. Under nohup a
# hang-up is ignored, here and so there.
child=
stopped=0
trap 'stopped=1; [[ -z $child ]] || kill -USR1 "$child" 2>/dev/null' TERM INT HUP USR1

in_a_row=0 starts=0
while :; do
  ((stopped)) && exit 4
  before=$(newest)
  if [[ -n $hosts ]]; then
    unanswered=0
    until choose_hosts; do
      ((stopped)) && exit 4
      ((starts > 0)) || fail "$hosts: none of its hosts answers"
      if ((++unanswered == failures)); then
        echo "supervise.sh: none of the hosts in $hosts answers; giving up with exit code $code" >&2
        exit "$code"
      fi
      echo "supervise.sh: none of the hosts in $hosts answers; asking again in 10 s" >&2
      sleep 10
    done
    ((stopped)) && exit 4
    start=(mpirun --stdin none --hostfile "$answering")
  else
    lockstep_mpirun_for "$ranks"
    start=("${lockstep_mpirun[@]}" -n "$ranks")
  fi
  starts=$((starts + 1))
  setsid "${start[@]}" "$program" train --run.resume true "${arguments[@]}" &
  child=$!
  [[ -z $hosts ]] || end_without_ranks "$child" &
  code=
  while [[ -z $code ]]; do
    if ((stopped)) && kill -USR1 "$child" 2>/dev/null; then # again: mpirun loses it while it starts its ranks
      sleep 0.5
    else
      wait "$child" 2>/dev/null
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
  if [[ -n $hosts ]]; then place="the hosts that answer"; else place="$ranks ranks"; fi
  echo "supervise.sh: the run failed (exit code $code); starting it again on $place" >&2
done
