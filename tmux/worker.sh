#!/usr/bin/env bash
# worker.sh GPU [NAME]: takes the first line of the queue, runs it on that GPU (or on the cpu), and again
# until none is left. session.sh opens one per window; it also runs by itself in any terminal.
# In the queue's folder ($REPRO_QUEUE): todo, done, failed (exit code, tab, line), and NAME.log. A run that was asked to
# stop (exit code 75) goes back into todo, and its worker ends.
set -euo pipefail
gpu=$1 name=${2:-$1} dir=${REPRO_QUEUE:-${REPRO_RUNS:-$(dirname "$(realpath "$0")")/../runs}/queue}
export CUDA_VISIBLE_DEVICES=${gpu#cpu} PYTHONUNBUFFERED=1 # unbuffered: lines show while the run lasts

take() { flock "$dir/lock" sed -i -e '1w /dev/stdout' -e 1d "$dir/todo"; } # prints and removes line 1

work() {
    while line=$(take) || exit; [[ $line ]]; do
        echo "== $(date +'%F %T') on $gpu: $line"
        code=0; bash -c "$line" </dev/null || code=$? # 128 + signal when it was killed
        if ((code == 0)); then echo "$line" >>"$dir/done"
        elif ((code == 75)); then { flock 8; echo "$line" >>"$dir/todo"; } 8>>"$dir/lock"; echo "== goes on later"; exit
        else printf '%s\t%s\n' "$code" "$line" >>"$dir/failed"; fi
        echo "== exit code $code"
    done
    echo "== the queue is empty: worker $name ends"
}
work 2>&1 | tee -ai "$dir/$name.log"
