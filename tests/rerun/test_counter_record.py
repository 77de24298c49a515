"""`repro replay --as GROUP`: what is stored and signed, and which counter-records count."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record, verdict
from repro.claim import paper as papers
from repro.errors import BadInput
from repro.rerun import counter_record, signatures
from repro.testing import contract

GROUP = "Group 2"


@pytest.fixture
def kept(paper: Any, repro: Any, git: Any, tmp_path: Path) -> Path:
    """The record of `smoke.gin` of a committed paper, and a reviewer with a name and an SSH key."""
    code, out, err = repro("run", f"papers/{paper.name}/configs/smoke.gin")
    assert code == 0, err
    git("config", "user.name", "Ada Reviewer")
    return Path(out.strip())


@pytest.fixture
def key(kept: Path, git: Any, tmp_path: Path) -> Path:
    made = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made)], check=True)
    git("config", "gpg.format", "ssh")
    git("config", "user.signingkey", str(made))
    return made


def counters(paper: Any) -> list[counter_record.CounterRecord]:
    return counter_record.of_paper(papers.find(paper.name), record.of_paper(paper.folder))


def edit(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def move(path: Path, by: float) -> None:
    """Add `by` to the value of every item of the first measurement."""
    rows = json.loads(path.read_text())["measurements"]
    rows[0]["values"] = [value + by for value in record.read(path).measurements[0].values]
    edit(path, measurements=rows)


@pytest.mark.slow
def test_a_replay_of_another_group_is_stored_and_signed(paper: Any, kept: Path, key: Path, repro: Any) -> None:
    before = [found.stem for found in record.of_paper(paper.folder)]
    code, out, err = repro("replay", kept, "--as", GROUP)
    assert code == 0, err
    made = Path(out.splitlines()[-1])
    assert made == Path(f"papers/{paper.name}/records/replays/group-2/smoke-seed0.json")
    (found,) = counters(paper)
    assert (found.group, found.who, found.fault, found.agrees) == (GROUP, "Ada Reviewer", "", True)
    assert found.again.environment["processor"] == record.read(kept).environment["processor"]
    assert found.signature.state == "unlisted"
    principal, signers = counter_record.name(GROUP), paper.folder.parent / "allowed_signers"
    signers.write_text(f"{principal} {Path(f'{key}.pub').read_text()}")
    assert counters(paper)[0].signature.state == "listed"
    verify = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", principal, "-n", "repro-replay", "-s", f"{made}.sig"]
    subprocess.run(verify, input=made.read_bytes(), check=True, capture_output=True)  # no project code is needed
    signers.write_text(f"another-group {Path(f'{key}.pub').read_text()}")
    assert counters(paper)[0].signature.state == "unlisted"
    other = key.with_name("other")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    signers.write_text(f"{principal} {Path(f'{other}.pub').read_text()}")
    assert counters(paper)[0].signature.state == "foreign" and not counters(paper)[0].agrees
    moved = Path(f"{made}.sig").rename(other.with_suffix(".sig"))
    assert counters(paper)[0].signature.state == "missing" and not counters(paper)[0].agrees
    moved.rename(f"{made}.sig")
    signers.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="allowed_signers"):
        counters(paper)
    signers.unlink()
    move(made, 1e-9)
    assert counters(paper)[0].signature.state == "broken" and not counters(paper)[0].agrees
    assert [found.stem for found in record.of_paper(paper.folder)] == before, "it is not a record of the paper"
    judged = [verdict.judge_all(papers.find(paper.name).claims, record.of_paper(paper.folder))]
    shutil.rmtree(made.parents[1])
    assert judged == [verdict.judge_all(papers.find(paper.name).claims, record.of_paper(paper.folder))]


@pytest.fixture
def gpg(git: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A GPG key that can sign, in a folder of its own; its fingerprint. Skips without gpg."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    with tempfile.TemporaryDirectory(dir="/tmp") as home:  # a short path: the socket of gpg-agent is in it
        monkeypatch.setenv("GNUPGHOME", home)
        made = ["--batch", "--passphrase", "", "--quick-generate-key", "ada@example.org", "ed25519", "sign", "never"]
        subprocess.run(["gpg", *made], check=True, capture_output=True)
        listed = subprocess.run(["gpg", "--list-keys", "--with-colons"], check=True, capture_output=True, text=True)
        yield next(line.split(":")[9] for line in listed.stdout.splitlines() if line.startswith("fpr"))
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)


def test_a_gpg_signature_is_made_and_checked(gpg: str, git: Any, tmp_path: Path, monkeypatch: Any) -> None:
    git("config", "user.signingkey", gpg)
    signed, signers = Path("signed.json"), tmp_path / "allowed_signers"
    signed.write_text("{}")
    signatures.refuse_missing_key(Path())
    assert signatures.sign(signed) == Path("signed.json.asc")
    found = signatures.check(signed, "group-2", signers)
    assert found.state == "unlisted" and gpg.endswith(found.key)
    subprocess.run(["gpg", "--verify", "signed.json.asc", "signed.json"], check=True, capture_output=True)
    signed.write_text("{ }")
    assert signatures.check(signed, "group-2", signers).state == "broken"
    signed.write_text("{}")
    with tempfile.TemporaryDirectory(dir="/tmp") as empty, monkeypatch.context() as patch:
        patch.setenv("GNUPGHOME", empty)  # the machine of somebody who does not have the key
        assert signatures.check(signed, "group-2", signers).state == "unknown"


@pytest.mark.slow
def test_a_replay_that_differs_is_stored_too(paper: Any, kept: Path, repro: Any) -> None:
    move(kept, 0.1)
    code, out, _ = repro("replay", kept, "--as", GROUP)
    assert code == 1
    (found,) = counters(paper)
    assert str(found.path).endswith(out.splitlines()[-1])
    assert (found.fault, found.agrees, found.signature.state) == ("", False, "none")
    move(kept, -0.1)
    assert record.read(kept).measurements[0].mean == pytest.approx(found.again.measurements[0].mean)
    shutil.copy(found.path, kept)  # what is compared is the paper's present record
    edit(kept, finished="2026-01-01T00:00:00+00:00")
    assert counters(paper)[0].agrees


def test_what_does_not_count(paper: Any, kept: Path, git: Any) -> None:
    committed = {"commit": git("rev-parse", "HEAD"), "dirty": False, "group": GROUP, "who": "Ada Reviewer"}
    again = replace(record.read(kept), source=committed, finished="2026-01-01T00:00:00+00:00")
    record.write(again, paper.folder / counter_record.FOLDER / counter_record.name(GROUP))
    (found,) = counters(paper)
    path, good = found.path, found.path.read_text()
    assert found.agrees

    def fault(**changed: Any) -> str:
        edit(path, **changed)
        (one,) = counters(paper)
        path.write_text(good)
        assert bool(one.fault) == (not one.agrees)
        return one.fault

    original, source = json.loads(kept.read_text()), found.again.source
    assert fault() == ""
    assert fault(finished=original["finished"], cost=original["cost"])
    assert fault(source=source | {"dirty": True}) and fault(source=source | {"who": ""})
    assert fault(source=source | {"group": "Group 3"}) and fault(paper="template")
    (other := path.parents[1] / "the-repro-authors").mkdir()
    edit(path, source=source | {"group": papers.find(paper.name).group})
    shutil.move(path, other / path.name)
    assert counters(paper)[0].fault, "the authors' own replay"


@pytest.mark.parametrize("form", ["ssh", "openpgp"])
def test_a_key_that_is_missing_is_refused_before_the_run(kept: Path, refused: Any, git: Any, form: str) -> None:
    git("config", "gpg.format", form)
    git("config", "user.signingkey", "/no/such/key")
    assert "'/no/such/key'" in refused("replay", kept, "--as", GROUP)
    assert not (kept.parent / "replays").exists()


def test_a_signature_without_its_file_is_a_fault(paper: Any, kept: Path) -> None:
    home = paper.folder / counter_record.FOLDER
    (home / "group-2").mkdir(parents=True)
    alone = home / "group-2" / "smoke-seed0.json.sig"
    alone.touch()
    found = list(contract.faults(paper.folder))
    assert ("replays", f"papers/{paper.name}/records/replays/group-2/{alone.name}") in [
        (o.check, o.file) for o in found
    ]
    shutil.rmtree(home)
    home.touch()
    assert "replays" in [one.check for one in contract.faults(paper.folder)], "not a folder"


def test_wrong_input_is_refused_before_the_run(paper: Any, kept: Path, refused: Any, tmp_path: Path) -> None:
    assert "another group" in refused("replay", kept, "--as", "the  REPRO authors")
    for name in ("!", "../../x", "a\\b", "two\nlines"):
        assert refused("replay", kept, "--as", name)
    assert refused("replay", "--smoke", "--as", GROUP)
    shutil.copy(kept, tmp_path / kept.name)
    assert refused("replay", tmp_path / kept.name, "--as", GROUP)
    toml = (paper.folder / "paper.toml").read_text()
    paper.toml(toml.replace('group = "the repro authors"\n', ""))
    assert refused("replay", kept, "--as", GROUP).startswith(f"papers/{paper.name}/paper.toml")
    assert not (kept.parent / "replays").exists()


@pytest.mark.parametrize("ours", ["Group P", "Group P (@ann, @bob)", "group p (@ann)", "Group P ( @repro/group-p )"])
@pytest.mark.parametrize("theirs", ["Group P", "Group P (@ann, @bob)", "GROUP P(@eve)", "(@ann) Group P"])
def test_the_accounts_of_a_group_do_not_make_it_another_group(paper: Any, ours: str, theirs: str) -> None:
    one = replace(papers.find(paper.name), group=ours)
    assert not counter_record.another(theirs, one) and counter_record.name(theirs) == "group-p"
    with pytest.raises(BadInput):
        counter_record.refuse_own(theirs, one)
    assert counter_record.another("Group P (2nd half)", one) and counter_record.another("Group Q (@ann)", one)


def test_a_name_that_is_nothing_but_accounts_is_refused(paper: Any) -> None:
    with pytest.raises(BadInput):
        counter_record.refuse_own("(@ann, @bob)", papers.find(paper.name))
