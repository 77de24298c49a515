"""tmux/pair.sh with a real tmux: who may look, who may write, and what is left when access ends."""

from __future__ import annotations

import getpass
import grp
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")

PAIR = Path(__file__).parents[2] / "tmux" / "pair.sh"
GROUP = grp.getgrgid(os.getgid()).gr_name
OTHER = "nobody"


def wait(until: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end, f"waited for 20 s, but not: {what}"
        time.sleep(0.05)


class Pairs:
    """The folder of the sessions, and one session with `cat` in it."""

    def __init__(self, home: Path, group: str) -> None:
        self.home, self.children = home, list[int]()
        self.id = self.call("start", group, "cat").stdout.strip()

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"REPRO_PAIRS": str(self.home)}
        return subprocess.run([PAIR, *words], env=environment, capture_output=True, text=True, timeout=20)

    def tmux(self, *words: str, user: str = "") -> subprocess.CompletedProcess[str]:
        before = ["runuser", "-u", user, "--"] if user else []
        command = [*before, "env", "-u", "TMUX", "tmux", "-S", f"{self.home}/{self.id}/socket", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    def attach(self, *words: str, user: str = "", typed: str = "") -> int:
        """Attach in a terminal of its own, with the command `typed` if given; the file descriptor of the terminal."""
        before = ["runuser", "-u", user, "--"] if user else []
        child, terminal = pty.fork()
        if not child:
            command = [*before, "env", f"REPRO_PAIRS={self.home}", "TERM=xterm", str(PAIR), "enter", self.id, *words]
            if typed:
                command = [*before, "env", "TERM=xterm", "sh", "-c", typed]
            os.execvp(command[0], command)
        self.children.append(child)
        wait(self.clients, "it is attached")
        return terminal

    def clients(self) -> list[str]:
        return self.tmux("list-clients", "-F", "#{client_user} #{client_readonly}").stdout.split("\n")[:-1]

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "pair").stdout

    def end(self) -> None:
        self.call("end", self.id)
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.fixture
def pairs() -> Iterator[Callable[[str], Pairs]]:
    """Makes a session for a group, in a folder that other users can enter."""
    made: list[Pairs] = []
    home = Path(tempfile.mkdtemp(prefix="pairs-"))

    def make(group: str = GROUP) -> Pairs:
        made.append(Pairs(home, group))
        return made[-1]

    yield make
    for one in made:
        one.end()
    shutil.rmtree(home)


@AS_ROOT
def test_an_observer_looks_and_a_partner_writes_until_access_ends(pairs: Callable[[str], Pairs]) -> None:
    group = grp.getgrgid(int(subprocess.check_output(["id", "-g", OTHER]))).gr_name
    one = pairs(group)
    assert not one.tmux("list-clients", user=OTHER).stdout, "not let in yet"
    one.tmux("send-keys", "-t", "pair", "early", "Enter", user=OTHER)
    printed = one.call("let", one.id, OTHER).stdout.strip().partition(" attaches with: ")[2]
    assert str(PAIR) not in printed, "the other user may not read the owner's checkout"
    one.tmux("send-keys", "-t", "pair", "sent", "Enter", user=OTHER)
    terminal = one.attach(user=OTHER, typed=printed)
    assert one.clients() == [f"{OTHER} 1"]
    os.write(terminal, b"typed\r")
    assert one.call("let", one.id, OTHER, "write").returncode == 0
    assert one.tmux("send-keys", "-t", "pair", "written", "Enter", user=OTHER).returncode == 0
    wait(lambda: "written" in one.screen(), "it is written")
    assert not [word for word in ("early", "sent", "typed") if word in one.screen()]
    one.attach()
    wait(lambda: len(one.clients()) == 2, "the owner attaches too")
    assert one.call("revoke", one.id, OTHER).returncode == 0
    wait(lambda: one.clients() == [f"{getpass.getuser()} 0"], "it is detached")
    one.tmux("send-keys", "-t", "pair", "late", "Enter", user=OTHER)
    assert one.tmux("list-sessions").stdout and "late" not in one.screen()
    log = one.home / one.id / "log"
    wait(lambda: "detached" in log.read_text(), "it is in the log")
    came = [tuple(line.split()[1:3]) for line in log.read_text().splitlines()]
    assert came == [("attached", OTHER), ("attached", getpass.getuser()), ("detached", OTHER)]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize("right", ["", "write"])
def test_a_key_attaches_until_it_is_revoked(pairs: Callable[..., Pairs], right: str) -> None:
    one = pairs()
    line = one.call("key", one.id, "guest", *filter(None, [right])).stdout.splitlines()[-1]
    forced = re.search(r'^restrict,pty,command="([^"]+)" ssh-ed25519 ', line)
    assert forced and forced[1].endswith(f"enter {one.id} guest"), line
    terminal = one.attach("guest")
    assert one.clients() == [f"{getpass.getuser()} {int(not right)}"]
    os.write(terminal, b"typed\r")
    if right:
        wait(lambda: "typed" in one.screen(), "it is written")
    assert one.call("revoke", one.id, "guest").returncode == 0
    wait(lambda: not one.clients(), "it is detached")
    assert ("typed" in one.screen()) == bool(right)
    assert one.call("enter", one.id, "guest").returncode == 2
    assert not [path for path in (one.home / one.id / "keys").iterdir() if "guest" in path.name]


def test_only_its_own_sessions_are_ended(pairs: Callable[..., Pairs]) -> None:
    one, other = pairs(), pairs()
    assert one.call("end", one.id).returncode == 0
    assert one.tmux("list-sessions").returncode and other.tmux("list-sessions").returncode == 0


@pytest.mark.parametrize("how", ["end", "kill-server"])
def test_a_session_that_has_ended_is_one_line(pairs: Callable[..., Pairs], how: str) -> None:
    one = pairs()
    assert (one.call("end", one.id) if how == "end" else one.tmux("kill-server")).returncode == 0
    for words in (["let", one.id, OTHER], ["key", one.id, "guest"], ["enter", one.id], ["revoke", one.id, OTHER]):
        done = one.call(*words)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and one.id in done.stderr, done.stderr
    again = one.call("end", one.id)
    assert (again.returncode, len(again.stderr.splitlines())) == ((2, 1) if how == "end" else (0, 0))


@pytest.mark.parametrize("words", [
    (), ("stop",), ("start",), ("start", "no-such-group"), ("let", "../../etc", "root"), ("end", "0123abcd"),
    ("let", "ID", "no-such-user"), ("let", "ID", "root; id"), ("let", "ID", "root", "all"), ("key", "ID", "../x"),
    ("revoke", "ID", "nobody-here"), ("enter", "ID", "no-key"),
])  # fmt: skip
def test_wrong_input_is_one_line(pairs: Callable[..., Pairs], words: tuple[str, ...]) -> None:
    one = pairs()
    done = one.call(*(one.id if word == "ID" else word for word in words))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and done.stderr.startswith("pair.sh: ")
    assert one.tmux("list-sessions").returncode == 0
