#!/usr/bin/env bash
# Share one tmux session with other people, and end their access with one command.
#   pair.sh start GROUP [COMMAND]     makes a session (by default your shell) and prints its ID; GROUP is a Unix group
#   pair.sh let ID USER [write]       lets a user of the group in; without `write` they can only look
#   pair.sh key ID NAME [write]       makes a temporary SSH key that can only attach to the session; prints what to do
#   pair.sh enter ID [NAME]           attaches: for you, and as the command of such a key
#   pair.sh revoke ID NAME            ends the access of a user or of a key at once
#   pair.sh end ID                    ends the session and deletes its keys
# Whoever may write acts as you: writing in the session gives away your account. ID/log lists who came and went.
# Only sessions that `start` made are touched: they are below $REPRO_PAIRS (default: /tmp/repro-pairs-UID).
set -euo pipefail
what=${1:-} home=${REPRO_PAIRS:-/tmp/repro-pairs-$(id -u)} self=$(realpath "$0")
die() { echo "pair.sh: $*" >&2; exit 2; }
tm() { env -u TMUX tmux -f /dev/null -S "$dir/socket" "$@"; }
name() { [[ ${1:-} =~ ^[a-z_][a-z0-9_-]{0,30}$ ]] || die "'${1:-}' is not a name; expected letters, digits, _ and -"; }
clients() { tm list-clients -F '#{client_tty} #{client_user} #{client_pid}' 2>/dev/null || true; } # terminal, user, process
drop() { while read -r tty _; do tm detach-client -t "$tty"; done; }

if [[ $what == start ]]; then
    getent group "${2:-}" >/dev/null || die "no group '${2:-}'; expected a Unix group, as in: pair.sh start students"
    id=$(od -An -N4 -tx1 /dev/urandom | tr -d ' ') dir=$home/$id
    install -d -m 711 "$home"; install -d -m 2750 -g "$2" "$dir"; install -d -m 700 "$dir/keys"
    tm new-session -d -s pair "${@:3}"
    chgrp "$2" "$dir/socket"; chmod g+rw "$dir/socket"
    # When a client has detached, #{client_user} is the user of another one: the log knows who was on this terminal.
    before="\$(grep -w 'attached .* #{hook_client}' $dir/log | tail -n 1 | cut -d ' ' -f 3)"
    tm set-hook -g client-attached "run-shell \"echo \$(date +%FT%T) attached #{client_user} #{hook_client} >>$dir/log\""
    tm set-hook -g client-detached "run-shell \"echo \$(date +%FT%T) detached $before #{hook_client} >>$dir/log\""
    echo "$id"; exit
fi
[[ $what =~ ^(let|key|enter|revoke|end)$ ]] || die "expected start, let, key, enter, revoke or end; see the head of $self"
[[ ${2:-} =~ ^[0-9a-f]{8}$ && -d $home/$2 ]] || die "no session '${2:-}' below $home; pair.sh start makes one"
dir=$home/$2 who=${3:-} write=${4:-}
[[ -z $write || $write == write ]] || die "'$write' is not a right; expected write, or nothing"
[[ -S $dir/socket ]] || die "the session $2 has ended; pair.sh start makes another one"
[[ $what == end ]] || tm has-session 2>/dev/null || die "the session $2 has ended; pair.sh end $2 deletes its keys"
case $what in
let)
    name "$who"; id "$who" >/dev/null 2>&1 || die "no user '$who' on this machine"
    tm server-access -a "$who" 2>/dev/null || true
    tm server-access "$([[ $write ]] && echo -w || echo -r)" "$who"
    echo "$who attaches with: TMUX= tmux -S '$dir/socket' attach -t pair" ;; # not this script: $who may not read it
key)
    name "$who"; [[ ! -e $dir/keys/$who ]] || die "there is a key '$who' already; pair.sh revoke $2 $who ends it"
    ssh-keygen -q -t ed25519 -N '' -C "repro-$2-$who" -f "$dir/keys/$who"
    echo "${write:-read}" >"$dir/keys/$who.right"
    echo "Add this line to ~/.ssh/authorized_keys, and give the file $dir/keys/$who to $who, who attaches with ssh -i:"
    echo "restrict,pty,command=\"REPRO_PAIRS=$home $self enter $2 $who\" $(cat "$dir/keys/$who.pub")" ;;
enter)
    flags=()
    if [[ $who ]]; then
        name "$who"; right=$(cat "$dir/keys/$who.right" 2>/dev/null) || die "the key '$who' was revoked"
        [[ $right == write ]] || flags=(-r)
        echo $$ >>"$dir/keys/$who.pids"
    fi
    exec env -u TMUX tmux -f /dev/null -S "$dir/socket" attach "${flags[@]}" -t pair ;;
revoke)
    name "$who"
    if [[ -e $dir/keys/$who ]]; then
        clients | grep -wFf "$dir/keys/$who.pids" 2>/dev/null | drop || true
        rm -f "$dir/keys/$who" "$dir/keys/$who".*
    else
        tm server-access -d "$who" 2>/dev/null || die "'$who' has no access to $2"
        clients | awk -v who="$who" '$2 == who' | drop
    fi
    echo "$who has no access any more" ;;
end) tm kill-server 2>/dev/null || true; rm -rf "$dir/keys" "$dir/socket" ;;
esac
