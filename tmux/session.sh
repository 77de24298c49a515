#!/usr/bin/env bash
# repro todo PAPER | tmux/session.sh 0 1 2 3      (`repro launch` calls this script)
# Opens one tmux window per argument, with a worker that runs commands from a common queue. An argument is a GPU (0),
# several GPUs (0,1) or cpu. The queue and its logs are in $REPRO_QUEUE (default: runs/queue of this repository). The
# session ends when the last worker ends. You can stop it and start it again: commands that were running or waiting are
# kept; those of an earlier queue come last.
# With $REPRO_STATUS, one more window runs that command and is shown first; it should end by itself.
set -euo pipefail
here=$(dirname "$(realpath "$0")") n=0 new=(new-session -d -s repro)
dir=$(realpath -m "${REPRO_QUEUE:-${REPRO_RUNS:-$here/../runs}/queue}") id=repro-$(sha256sum <<<"$dir" | head -c 16)
export REPRO_QUEUE=$dir REPRO_WORKERS=$#
# -L: the socket is in /tmp/tmux-UID, which only its owner can use. (The path of a socket has at most 107 bytes.)
how="attach: TMUX= TMUX_TMPDIR= tmux -L $id attach -t repro (leave: Ctrl-b d); stop: TMUX_TMPDIR= tmux -L $id kill-server"
tm() { env -u TMUX TMUX_TMPDIR= tmux -f /dev/null -L "$id" "$@" 9>&-; } # 9>&-: the server must not hold the lock
expected="expected a folder of yours; REPRO_QUEUE names another" number='(0|[1-9][0-9]{0,2})'
die() { echo "session.sh: $*" >&2; exit 2; }

(($#)) || die "name the GPUs: repro todo PAPER | tmux/session.sh 0 1 2 3 (or: cpu)"
for gpu; do
    [[ $gpu =~ ^(cpu|$number(,$number)*)$ && -z $(tr , '\n' <<<"$gpu" | sort | uniq -d) ]] ||
        die "'$gpu' is not a GPU; expected 0, 0,1 (both for each run) or cpu"
done
if [[ -t 0 ]] || ! todo=$(grep -Ev '^\s*(#|$)'); then die "no commands on stdin: nothing to run"; fi
refuse_foreign() { # a queue is a folder of its own, in which only its owner can write
    local names='todo|lock|tried|done|stopped|failed|failed\.txt|running|slurm|.+\.log|todo\.new|sed\w{6}|\.(todo|nfs).*'
    local found has=''
    [[ -O $dir ]] || die "cannot use $dir, which belongs to $(stat -c %U "$dir"); $expected"
    ((8#$(stat -c %a "$dir") & 8#022)) && die "others can write in $dir, but workers run what is in it; expected chmod go-w"
    found=$(find "$dir" -mindepth 1 -maxdepth 1 -printf '%f\n')
    if [[ -z $found || -d $dir/running || -d $dir/slurm || (-e $dir/lock && ! -s $dir/lock) ]]; then has=1; fi
    if [[ -z $has || -s $dir/lock ]] || grep -Eqvx "$names|" <<<"$found"; then
        die "$dir has other files than those of a queue; expected a new or an empty folder; REPRO_QUEUE names another"
    fi
    [[ ! -e $dir/todo || (-f $dir/todo && -r $dir/todo) ]] || die "cannot read $dir/todo; expected a file of yours"
}
[[ ! -d $dir ]] || refuse_foreign
[[ -d $dir ]] || install -d -m 700 "$dir" 2>/dev/null || die "cannot make the folder $dir; $expected"
[[ -w $dir ]] || die "cannot write in $dir, which belongs to $(stat -c %U "$dir"); $expected"
exec 9>>"$dir/lock"; flock 9 # the workers wait for this lock until every window is open
if tm list-windows -t repro -F '#W' 2>/dev/null | grep -qv '^status$'; then
    die "workers are still running, so nothing was changed; $how"
fi
tm kill-session -t repro 2>/dev/null || true # only the status window is left
mkdir -p "$dir/running"
taken=$(find "$dir/running" -type f -exec sed -n 2p {} \;) # a worker returns those of dead workers to the queue
rest=$(grep -vxFe "$taken" <<<"$todo" || true)
left=$(grep -vxFe "$taken"$'\n'"$rest" "$dir/todo" 2>/dev/null || true) # waits since an earlier start
if ! { grep . <<<"$rest"$'\n'"$left" || (($? == 1)); } >"$dir/todo.new" 2>/dev/null || ! mv "$dir/todo.new" "$dir/todo"; then
    die "cannot write $dir/todo, so nothing was changed: is the disk full?"
fi
rm -f "$dir/tried"
for gpu; do
    name=$((n += 1))-$gpu
    tm "${new[@]}" -n "$name" "$here/worker.sh" "$gpu" "$name"
    new=(new-window -d -t repro:)
done
[[ -z ${REPRO_STATUS:-} ]] || tm new-window -t repro: -n status "$REPRO_STATUS"
count() { echo "$1 $2$( (($1 == 1)) || echo s)"; }
lines() { grep -c . <<<"$1" || true; }
kept=$(lines "$left")
((kept == 0)) || kept=" (the last $kept of an earlier launch)"
echo "$(count "$(lines "$taken"$'\n'"$rest"$'\n'"$left")" command)${kept#0}, $(count $n worker), logs in $dir; $how"
