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
# A worker leases its GPU (a lock on /tmp/repro-gpu-N) before it takes a command, and until the command ends. With
# $REPRO_SHARE=1 there is no lease: several runs share a GPU. A worker without a command waits while others have one,
# because a command whose worker is killed, or that fails, returns to the queue.
set -euo pipefail
gpu=${1:-} name=${2:-${1:-}} dir=${REPRO_QUEUE:-${REPRO_RUNS:-$(dirname "$(realpath "$0")")/../runs}/queue} look=${REPRO_LOOK:-10}
leases=()
number='(0|[1-9][0-9]{0,2})'
if [[ ! $gpu =~ ^(cpu|$number(,$number)*)$ || $(tr , '\n' <<<"$gpu" | sort | uniq -d) ]]; then
    echo "worker.sh: '$gpu' is not a GPU; expected 0, 0,1 (both for each run) or cpu: worker.sh GPU [NAME]" >&2; exit 2
fi
export CUDA_VISIBLE_DEVICES=${gpu#cpu} PYTHONUNBUFFERED=1 # unbuffered: lines appear during the run

again() { # runs a command that writes; if the disk is full, it tries again until there is space
    until "$@" || [[ ! -d $dir ]]; do echo "== cannot write in $dir; the worker tries again"; sleep "$look"; done
}
locked() { exec 8>>"$dir/lock"; flock 8; }
append() { printf '%s\n' "$2" >>"$dir/$1"; }
note() { printf '%s\n%s\n' $$ "$line" >"$dir/running/$name"; }
first() { { echo "$1"; cat "$dir/todo"; } >"$dir/todo.new" && mv "$dir/todo.new" "$dir/todo"; }

lives() { # whether the worker that wrote this file lives
    { read -r worker && read -r command && mapfile -td '' words <"/proc/$worker/cmdline"; } 2>/dev/null <"$1" || return 1
    [[ $worker != "$$" && "${words[*]}" == *worker.sh* ]]
}
give_back() { # puts the command of a dead worker first in the queue; its run resumes
    local worker='' command='' words=()
    if [[ ! -e $1 ]] || lives "$1"; then return; fi
    if [[ $command ]]; then # else it was killed while it wrote this, before it removed the command from todo
        echo "== worker ${1##*/} was killed; its command returns to the queue: $command"
        again first "$command"
    fi
    rm -f "$1"
}
take() { # sets line to the first command of todo, empty if there is none
    locked
    for file in "$dir"/running/*; do give_back "$file"; done
    line=''; read -r line <"$dir/todo" || true
    if [[ $line ]]; then again note; again sed -i 1d "$dir/todo"; fi # in this order: if it is killed, nothing is lost
    exec 8>&-
}
pending() { # whether there is a command, or will be one: waits while other workers have commands
    local worker command words said=''
    until [[ -s $dir/todo ]]; do
        for file in "$dir"/running/*; do
            [[ -e $file ]] || return 1
            lives "$file" || return 0
        done
        [[ $said ]] || echo "== waiting: a command of the other workers may return"
        said=1; sleep 0.5
    done
}
lease() { # waits until no other worker and no other program uses the GPU; fails if the queue becomes empty meanwhile
    local one said=''
    [[ $gpu == cpu || ${REPRO_SHARE:-} ]] && return
    for one in $(tr , '\n' <<<"$gpu" | sort -n); do
        [[ -e /tmp/repro-gpu-$one ]] || (umask 0; : >"/tmp/repro-gpu-$one")
        exec {lock}<"/tmp/repro-gpu-$one"; leases+=("$lock")
        flock -n "$lock" || echo "== waiting: another worker uses GPU $one"
        until flock -w "$look" "$lock"; do [[ -s $dir/todo ]] || return 1; done
        until [[ -z $(others "$one") ]]; do
            [[ $said ]] || echo "== waiting: process $(others "$one") uses GPU $one"
            said=1; sleep "$look"; [[ -s $dir/todo ]] || return 1
        done
    done
}
others() { nvidia-smi -i "$1" --query-compute-apps=pid --format=csv,noheader 2>/dev/null | xargs || true; }
release() { for lock in "${leases[@]}"; do exec {lock}<&-; done; leases=(); }

finish() { # finish CODE: writes down how the command ended
    locked
    if (($1 == 0)); then again append "done" "$line"
    elif (($1 == 75)); then again append stopped "$line"
    elif (($1 == 69)) || { (($1 != 2 && $1 != 66)) && ! grep -qsxF -e "$line" "$dir/tried"; }; then
        (($1 == 69)) || again append tried "$line"
        again append todo "$line"; echo "== it will be tried again"
    else
        again append failed "$1"$'\t'"$line"
        { echo "== exit code $1: $line"; tail -n 20 "$dir/$name.log"; } >>"$dir/failed.txt" || true
    fi
    rm -f "$dir/running/$name"; exec 8>&-
}
work() {
    local gpus more
    IFS=, read -ra gpus <<<"$gpu"
    while pending; do
        line='' code=0
        if lease; then take; fi
        if [[ $line ]]; then
            more=''
            if [[ $line == "repro run "* ]] && ((${#gpus[@]} > 1)); then more=" --processes ${#gpus[@]}"; fi
            printf '== %(%F %T)T on %s: %s\n' -1 "$gpu" "$line"
            bash -c "$line$more" </dev/null 7>&- || code=$? # 128 + signal if it was killed
        fi
        release
        [[ $line ]] || continue
        echo "== exit code $code"
        finish "$code"
        ((code != 69)) || sleep "$look" # another process runs it: look again later
    done
    echo "== the queue is empty: worker $name ends"
}
[[ -d $dir ]] || install -d -m 700 "$dir"
mkdir -p "$dir/running"
exec 7>>"$dir/$name.log"
flock -w 5 7 || { echo "worker.sh: there is a worker $name already; expected another NAME: worker.sh $gpu NAME" >&2; exit 2; }
while work 2>&1 | tee -ai "$dir/$name.log"; ((PIPESTATUS[0])); do sleep 0.1; done # if it was killed, it starts again
