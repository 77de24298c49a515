#!/usr/bin/env bash
# repro todo PAPER | tmux/session.sh 0 1 2 3
# One tmux window per GPU (a number, several as 0,1, or cpu), each with a worker that takes commands from one queue.
# Queue, logs and tmux's private socket stand in $REPRO_QUEUE (default: runs/queue). The session ends with its last
# worker. To stop it and start again is safe: the queue is replaced by what `repro todo` still finds to do.
set -euo pipefail
dir=$(realpath -m "${REPRO_QUEUE:-runs/queue}") here=$(dirname "$(realpath "$0")") sock=$dir/tmux.sock n=0
export REPRO_QUEUE=$dir
how="attach: TMUX= tmux -S ${sock@Q} attach (leave: Ctrl-b d); stop: tmux -S ${sock@Q} kill-server"
tm() { env -u TMUX tmux -f /dev/null -S "$sock" "$@" 9>&-; } # 9>&-: the tmux server must not keep the lock
die() { echo "session.sh: $*" >&2; exit 2; }

(($#)) || die "name the GPUs: repro todo PAPER | tmux/session.sh 0 1 2 3 (or: cpu)"
if [[ -t 0 ]] || ! todo=$(grep -Ev '^\s*(#|$)'); then die "no commands on stdin: nothing to run"; fi
[[ -d $dir ]] || install -d -m 700 "$dir"
exec 9>"$dir/lock"; flock 9 # the workers wait for it until every window is open
if tm has-session 2>/dev/null; then die "workers still run here, nothing was changed; $how"; fi
printf '%s\n' "$todo" >"$dir/todo"
new=(new-session -d -s repro)
for gpu; do
    name=$((n += 1))-$gpu
    tm "${new[@]}" -n "$name" "$here/worker.sh" "$gpu" "$name"
    new=(new-window -d -t repro:)
done
echo "$(wc -l <"$dir/todo") commands, $n workers, logs in $dir; $how"
