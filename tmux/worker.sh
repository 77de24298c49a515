#!/usr/bin/env bash
# worker.sh GPU [NAME]: runs the commands of the queue one by one on this GPU (or cpu) until the queue is empty.
# session.sh starts one worker per window. You can also start one in any terminal.
# The folder of the queue ($REPRO_QUEUE) contains todo, done, failed (exit code, tab, command) and NAME.log.
# If a run was asked to stop (exit code 75), its command goes back to todo, and the worker ends.
set -euo pipefail
gpu=$1 name=${2:-$1} dir=${REPRO_QUEUE:-${REPRO_RUNS:-$(dirname "$(realpath "$0")")/../runs}/queue}
export CUDA_VISIBLE_DEVICES=${gpu#cpu} PYTHONUNBUFFERED=1 # unbuffered: lines appear during the run

take() { flock "$dir/lock" sed -i -e '1w /dev/stdout' -e 1d "$dir/todo"; } # prints and removes line 1

work() {
    while line=$(take) || exit; [[ $line ]]; do
        echo "== $(date +'%F %T') on $gpu: $line"
        code=0; bash -c "$line" </dev/null || code=$? # 128 + signal if it was killed
        if ((code == 0)); then echo "$line" >>"$dir/done"
        elif ((code == 75)); then { flock 8; echo "$line" >>"$dir/todo"; } 8>>"$dir/lock"; echo "== to be resumed"; exit
        else printf '%s\t%s\n' "$code" "$line" >>"$dir/failed"; fi
        echo "== exit code $code"
    done
    echo "== the queue is empty: worker $name ends"
}
work 2>&1 | tee -ai "$dir/$name.log"
