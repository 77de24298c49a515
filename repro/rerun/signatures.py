"""Signatures of files, with the key that git signs with: SSH (`ssh-keygen -Y sign`) or GPG.

The signature is a file next to the signed one: `NAME.sig` (SSH) or `NAME.asc` (GPG). Both programs can check it without
this project. `papers/allowed_signers` says which SSH key belongs to which group, in the format of `ssh-keygen`:

    group-2 ssh-ed25519 AAAAC3Nza...
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.errors import BadInput, not_utf8, where
from repro.files import regular

NAMESPACE = "repro-replay"
LISTED = "allowed_signers"
SUFFIXES = (".sig", ".asc")  # of SSH and of GPG
KEY = re.compile(r"SHA256:[\w+/]+|\b(?:NO_PUBKEY|GOODSIG) ([0-9A-F]+)")


@dataclass(frozen=True)
class Signature:
    """Whether a file is signed, and by which key.

    state: `listed`, the key belongs to the group; `unlisted`, the signature matches, but it is not known whose key it
    is; `foreign` and `missing`, keys of the group are known, but another key or no key signed the file; `unknown`, it
    cannot be checked on this machine; `broken`, it does not match the file; `none`, not signed.
    """

    state: Literal["listed", "unlisted", "foreign", "missing", "unknown", "broken", "none"]
    key: str = ""

    def __str__(self) -> str:
        words = {
            "listed": f"signed with {self.key}, a key of the group",
            "unlisted": f"signed with {self.key}, a key that {LISTED} does not list",
            "foreign": f"signed with {self.key}, but {LISTED} lists another key for the group",
            "missing": f"not signed, but {LISTED} lists a key for the group",
            "unknown": f"signed with {self.key or 'a key'}, which cannot be checked here",
            "broken": "the signature does not match the file",
            "none": "not signed",
        }
        return words[self.state]


def setting(name: str, folder: Path) -> str:
    """The user's own setting of git, for example `user.name`; empty if there is none. Raises BadInput without git."""
    code, found, said = _call(["git", "-C", str(folder), "config", "--get", name])
    if code == MISSING:
        raise BadInput(said, expected="git on this machine; see repro doctor")
    return found.strip()


def _own(folder: Path) -> tuple[str, bool]:
    """The key of the user, empty if there is none; and whether it is an SSH key."""
    return setting("user.signingkey", folder), setting("gpg.format", folder) == "ssh"


def refuse_missing_key(folder: Path) -> None:
    """Raise BadInput if git names a key that is not on this machine, because signing comes after a long run."""
    key, ssh = _own(folder)
    if not key:
        return
    found = _key_file(key).is_file() if ssh else _call(["gpg", "--list-secret-keys", key])[0] == 0
    if not found:
        raise BadInput(f"there is no key '{key}', which git's user.signingkey names", expected="a key that can sign")


def sign(path: Path) -> Path | None:
    """Sign a file with the key in git's `user.signingkey`; returns the signature, or None if there is no such key.

    Raises BadInput if signing fails. An older signature of the file is deleted.
    """
    for suffix in SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    key, ssh = _own(path.parent)
    if not key:
        return None
    made = Path(f"{path}{'.sig' if ssh else '.asc'}")
    command = _ssh(key) if ssh else ["gpg", "--armor", "--local-user", key, "--output", str(made)]
    code, _, said = _call([*command, *([] if ssh else ["--detach-sign"]), str(path)])
    if code or not made.is_file():
        line = (said.strip().splitlines() or ["no signature was written"])[-1]
        raise BadInput(f"signing failed: {line}", where(path), expected="a key in git's user.signingkey that can sign")
    return made


def _key_file(key: str) -> Path:
    if key.startswith(("key::", "ssh-")):
        raise BadInput("git's user.signingkey is the text of a key", expected="the path of an SSH key")
    return Path(key).expanduser()


def _ssh(key: str) -> list[str]:
    return ["ssh-keygen", "-Y", "sign", "-f", str(_key_file(key)), "-n", NAMESPACE]


def check(path: Path, principal: str, signers: Path) -> Signature:
    """Check the signature of a file. principal: the name of the group in the file `signers`.

    Raises BadInput if `signers` cannot be read.
    """
    ssh, gpg = Path(f"{path}.sig"), Path(f"{path}.asc")
    for made in (one for one in (ssh, gpg) if regular.present(one)):
        regular.check(made)
        return _checked_ssh(path, ssh, principal, signers) if made == ssh else _checked_gpg(path, gpg)
    return Signature("missing" if _lists(signers, principal) else "none")


def _lists(signers: Path, principal: str) -> bool:
    """Whether the file `signers` has a key of this group."""
    if not regular.present(signers):
        return False
    regular.check(signers)
    try:
        lines = signers.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise not_utf8(signers, error) from None
    return any(principal in line.split()[0].split(",") for line in lines if line.strip() and line[0] != "#")


def _checked_ssh(path: Path, made: Path, principal: str, signers: Path) -> Signature:
    given, start = path.read_bytes(), ["ssh-keygen", "-Y"]
    rest = ["-n", NAMESPACE, "-s", str(made)]
    code, out, said = _call([*start, "check-novalidate", *rest], given)
    if code:
        return Signature("unknown" if code == MISSING else "broken")
    if not _lists(signers, principal):
        return Signature("unlisted", _key(out + said))
    wrong, *_ = _call([*start, "verify", "-f", str(signers), "-I", principal, *rest], given)
    return Signature("foreign" if wrong else "listed", _key(out + said))


def _checked_gpg(path: Path, made: Path) -> Signature:
    command = ["gpg", "--batch", "--no-auto-key-retrieve", "--status-fd", "1", "--verify", str(made), str(path)]
    code, out, _ = _call(command)
    if code == 0:
        return Signature("unlisted", _key(out))
    return Signature("unknown" if code == MISSING or "NO_PUBKEY" in out else "broken", _key(out))


def _key(said: str) -> str:
    found = KEY.search(said)
    return (found[1] or found[0]) if found else "a key"


MISSING = 127  # the exit code of a shell for a program that is not installed


def _call(command: list[str], given: bytes | None = None) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of a command. It may ask for a passphrase in the terminal."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        return MISSING, "", f"{command[0]} is not installed"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
