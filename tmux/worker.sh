#!/usr/bin/env bash
# worker.sh GPU [NAME]: runs the commands of the queue one by one on this GPU (or cpu) until the queue is empty.
# session.sh starts one worker per window. You can also start one in any terminal.
# The folder of the queue ($REPRO_QUEUE) contains:
#   todo          the commands that wait; a worker takes the first one
#   running/NAME  the process number of the worker NAME, and its command; if it was killed, the command returns to todo
#   done, stopped (exit code 75: someone asked the run to stop)
#   failed        exit code, tab, command; failed.txt: the last lines of its output. It was tried twice, unless the input
#                 is wrong (exit code 2) or data is missing (66).
#   NAME.log      the output of the commands
# While a command runs, its GPU is leased (a lock on /tmp/repro-gpu-N). $REPRO_SHARE=1: no lease, several runs per GPU.
set -euo pipefail
gpu=$1 name=${2:-$1} dir=${REPRO_QUEUE:-${REPRO_RUNS:-$(dirname "$(realpath "$0")")/../runs}/queue} leases=()
export CUDA_VISIBLE_DEVICES=${gpu#cpu} PYTHONUNBUFFERED=1 # unbuffered: lines appear during the run

take() { # sets line to the first command of todo, empty if there is none
    exec 8>>"$dir/lock"; flock 8
    for file in "$dir"/running/*; do give_back "$file"; done
    line=$(sed -n 1p "$dir/todo"); sed -i 1d "$dir/todo"
    [[ -z $line ]] || printf '%s\n%s\n' $$ "$line" >"$dir/running/$name"
    exec 8>&-
}
give_back() { # puts the command of a dead worker first in the queue; its run resumes
    [[ -e $1 ]] && { read -r worker; read -r command; } <"$1" || return 0
    [[ $worker != $$ ]] && grep -qsz worker.sh "/proc/$worker/cmdline" && return
    echo "== worker ${1##*/} was killed; its command returns to the queue: $command"
    { echo "$command"; cat "$dir/todo"; } >"$dir/todo.new"; mv "$dir/todo.new" "$dir/todo"; rm "$1"
}
lease() { # waits until no other worker and no other program uses the GPU
    [[ $gpu == cpu || ${REPRO_SHARE:-} ]] && return
    for one in $(tr , '\n' <<<"$gpu" | sort -n); do
        [[ -e /tmp/repro-gpu-$one ]] || (umask 0; : >"/tmp/repro-gpu-$one")
        exec {lock}<"/tmp/repro-gpu-$one"; leases+=("$lock")
        flock -n "$lock" || { echo "== waiting: another worker uses GPU $one"; flock "$lock"; }
        until [[ -z $(others "$one") ]]; do
            [[ ${said:-} ]] || echo "== waiting: process $(others "$one") uses GPU $one"; said=1; sleep "${REPRO_LOOK:-10}"
        done
    done
}
others() { nvidia-smi -i "$1" --query-compute-apps=pid --format=csv,noheader 2>/dev/null | xargs || true; }
finish() { # finish CODE: writes down how the command ended
    exec 8>>"$dir/lock"; flock 8
    if (($1 == 0)); then echo "$line" >>"$dir/done"
    elif (($1 == 75)); then echo "$line" >>"$dir/stopped"
    elif (($1 == 69)) || { (($1 != 2 && $1 != 66)) && ! grep -qsxF -e "$line" "$dir/tried"; }; then
        (($1 == 69)) || echo "$line" >>"$dir/tried"
        echo "$line" >>"$dir/todo"; echo "== it will be tried again"
    else
        printf '%s\t%s\n' "$1" "$line" >>"$dir/failed"
        { echo "== exit code $1: $line"; tail -n 20 "$dir/$name.log"; } >>"$dir/failed.txt"
    fi
    rm -f "$dir/running/$name"; exec 8>&-
}
work() {
    while take; [[ $line ]]; do
        lease
        echo "== $(date +'%F %T') on $gpu: $line"
        code=0; bash -c "$line" </dev/null || code=$? # 128 + signal if it was killed
        for lock in "${leases[@]}"; do exec {lock}<&-; done; leases=()
        echo "== exit code $code"
        finish "$code"
        ((code != 69)) || sleep "${REPRO_LOOK:-10}" # another process runs it: look again later
    done
    echo "== the queue is empty: worker $name ends"
}
mkdir -p "$dir/running"
until work 2>&1 | tee -ai "$dir/$name.log"; do sleep 0.1; done # if it was killed, it starts again
