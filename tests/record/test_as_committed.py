"""Which commit a run's code is of: decided from the bytes of files, whatever git is configured to say or would run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import config
from repro.record import as_committed, code_digest

Git = Callable[..., str]


def state(paper: Any, name: str = "smoke") -> dict[str, Any]:
    return as_committed.state(config.read(paper.folder / "configs" / f"{name}.gin"))


def changed(paper: Any, name: str = "model.py") -> None:
    path = paper.folder / name
    path.write_text(path.read_text() + "\nEXTRA = 1\n")


def test_the_commit_and_whether_the_code_is_as_committed(paper: Any, git: Git) -> None:
    head = git("rev-parse", "HEAD")
    assert state(paper) == {"commit": head, "dirty": False}
    changed(paper)
    found = state(paper)
    assert (found["commit"], found["dirty"]) == (head, True) and "model.py" in found["why"]
    changed(paper)
    assert state(paper)["diff"] != found["diff"]


@pytest.mark.parametrize("name", ["model.py", "configs/smoke.gin", "configs/base.gin"])
def test_each_file_that_moves_a_number_counts(paper: Any, git: Git, name: str) -> None:
    changed(paper, name)
    assert state(paper)["dirty"] is True


def test_prose_notes_records_and_tests_do_not_count(paper: Any, git: Git) -> None:
    before = state(paper)
    changed(paper, "report.md")
    for name in (
        "notes.txt",
        "ideas.md",
        "records/new.json",
        "records/certificates/a.json",
        "records/renewals.json",
        "tests/test_x.py",
    ):
        (paper.folder / name).parent.mkdir(exist_ok=True)
        (paper.folder / name).write_text("x")
    (Path.cwd() / "elsewhere.py").write_text("x = 1\n")
    assert state(paper) == before and before["dirty"] is False


def test_a_file_that_a_part_names_counts(paper: Any, git: Git) -> None:
    (paper.folder / "words.txt").write_text("one\n")
    git("add", "-A")
    git("commit", "-qm", "words")
    path = paper.folder / "model.py"
    path.write_text(path.read_text() + "\nWORDS = 'words.txt'\n")
    git("commit", "-qam", "named")
    assert state(paper)["dirty"] is False
    (paper.folder / "words.txt").write_text("two\n")
    assert "words.txt" in state(paper)["why"]


def test_a_module_counts_wherever_it_is(paper: Any, git: Git) -> None:
    (paper.folder / "records").mkdir(exist_ok=True)
    (paper.folder / "records" / "part.py").write_text("X = 1\n")
    Path(".git/info").mkdir(exist_ok=True)
    Path(".git/info/exclude").write_text("part.py\nhidden.gin\n")
    paper.config("hidden", f"import papers.{paper.name}.records.part\n")
    found = state(paper, "hidden")
    assert found["dirty"] is True and "records/part.py" in found["why"] and "hidden.gin" in found["why"]


def hide(paper: Any, git: Git, how: str) -> None:
    """Make git itself call changed code clean."""
    name = f"papers/{paper.name}/model.py"
    if how in ("--skip-worktree", "--assume-unchanged"):
        git("update-index", how, name)
    elif how == "damaged index":
        Path(".git/index").write_bytes(b"DIRC" + bytes(40))
    elif how == "external diff":
        git("config", "diff.external", "true")
    elif how == "missing filter":
        Path(".git/info/attributes").write_text("*.py filter=none\n")
        git("config", "filter.none.clean", "no-such-program")
        git("config", "filter.none.required", "true")
    elif how == "lying filter":
        Path(".git/info/attributes").write_text("*.py filter=same\n")
        git("config", "filter.same.clean", f"git show HEAD:{name}")
    elif how == "ignored":
        Path(".git/info/exclude").write_text("*\n")


@pytest.mark.parametrize("how", [
    "--skip-worktree", "--assume-unchanged", "damaged index", "external diff", "missing filter", "lying filter",
    "ignored",
])  # fmt: skip
def test_changed_code_is_found_whatever_git_is_told(paper: Any, git: Git, how: str) -> None:
    hide(paper, git, how)
    assert state(paper)["dirty"] is False
    changed(paper)
    assert state(paper)["dirty"] is True


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF"]
)
def test_no_variable_of_git_counts(
    paper: Any, git: Git, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = state(paper)
    monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    assert state(paper) == before and before["commit"]


def test_one_change_has_one_digest(paper: Any, git: Git) -> None:
    changed(paper)
    before = state(paper)
    git("config", "color.ui", "always")
    git("config", "diff.noprefix", "true")
    git("config", "core.autocrlf", "input")
    assert state(paper) == before


def test_nothing_that_a_configuration_names_is_run(paper: Any, git: Git) -> None:
    trap = Path.cwd() / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {Path.cwd()}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "core.editor", "filter.x.clean", "filter.x.smudge",
                "core.sshCommand", "core.askPass", "core.gitProxy", "remote.origin.uploadpack"):  # fmt: skip
        git("config", key, str(trap))
    Path(".git/info/attributes").write_text("* filter=x diff=x\n")
    git("config", "core.hooksPath", str(trap.parent))
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.url", "ext::" + str(trap))
    git("config", "remote.origin.promisor", "true")
    Path("sprung").unlink(missing_ok=True)
    changed(paper)
    assert state(paper)["dirty"] is True and not Path("sprung").exists()


def test_a_lost_object_is_unknown_and_not_clean(paper: Any, git: Git) -> None:
    tree = git("rev-parse", "HEAD^{tree}")
    (Path(".git/objects") / tree[:2] / tree[2:]).unlink()
    found = state(paper)
    assert found["dirty"] is None and found["why"]


def test_line_ends_of_another_system_are_no_change(paper: Any, git: Git) -> None:
    path = paper.folder / "model.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert state(paper)["dirty"] is False


def test_a_large_file_by_its_pointer(paper: Any, git: Git) -> None:
    import hashlib

    content = b"weights" * 1000
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 7000\n"
    (paper.folder / "weights.bin").write_text(pointer.format(hashlib.sha256(content).hexdigest()))
    path = paper.folder / "model.py"
    path.write_text(path.read_text() + "\nNAME = 'weights.bin'\n")
    git("add", "-A")
    git("commit", "-qm", "pointer")
    (paper.folder / "weights.bin").write_bytes(content)
    assert state(paper)["dirty"] is False
    (paper.folder / "weights.bin").write_bytes(content + b"!")
    assert state(paper)["dirty"] is True


def test_content_and_names_in_other_encodings(paper: Any, git: Git) -> None:
    (paper.folder / "caf\u00e9.txt").write_bytes(b"caf\xe9")
    with open(os.fsencode(paper.folder) + b"/caf\xe9.txt", "w") as file:
        file.write("x")
    git("add", "-A")
    git("commit", "-qm", "names")
    (paper.folder / "caf\u00e9.txt").write_bytes(b"caf\xe9 cr\xe8me")
    assert state(paper)["dirty"] is False


def test_a_gigabyte_beside_the_code_is_named_and_not_read(paper: Any, git: Git) -> None:
    with (paper.folder / "big.bin").open("wb") as file:
        file.truncate(1 << 40)
    found = state(paper)
    assert found["dirty"] is True and "big.bin" in found["why"]


@pytest.mark.parametrize("name", ["params.toml", "fold3.npy", "words.csv", "helper.py.in", "lists/one.json"])
def test_a_file_that_code_may_read_counts(paper: Any, git: Git, name: str) -> None:
    path = paper.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("one")
    git("add", "-A")
    git("commit", "-qm", "a file")
    assert state(paper)["dirty"] is False
    path.write_text("two")
    assert name in state(paper)["why"]
    path.unlink()
    assert name in state(paper)["why"], "that it is gone is a difference too"


def test_where_a_link_leads_counts(paper: Any, git: Git) -> None:
    for name in ("one", "two"):
        (paper.folder / name).mkdir()
        (paper.folder / name / "a.csv").write_text(name)
    (paper.folder / "current").symlink_to("one")
    git("add", "-A")
    git("commit", "-qm", "a link")
    assert state(paper)["dirty"] is False
    (paper.folder / "current").unlink()
    (paper.folder / "current").symlink_to("two")
    assert "current" in state(paper)["why"]


def test_a_pipe_is_not_waited_for(paper: Any, git: Git) -> None:
    (paper.folder / "words.csv").write_text("one")
    git("add", "-A")
    git("commit", "-qm", "a file")
    (paper.folder / "words.csv").unlink()
    os.mkfifo(paper.folder / "words.csv")
    assert "words.csv" in state(paper)["why"]


def test_the_core_of_another_repository_counts(
    paper: Any, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A paper in a repository of its own, run by a core whose repository has changes."""
    core = tmp_path_factory.mktemp("elsewhere").resolve() / "repro"
    shutil.copytree(code_digest.REPRO, core, ignore=shutil.ignore_patterns("__pycache__"))
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "core")):
        subprocess.run(["git", "-C", str(core.parent), *words], check=True)
    monkeypatch.setattr(code_digest, "REPRO", core)
    monkeypatch.setattr(as_committed, "_core_top", lambda top: core.parent)
    own = list(code_digest.core_files(core).values())
    monkeypatch.setattr(as_committed, "counted", lambda config: {*own, paper.folder / "model.py"})
    assert state(paper)["dirty"] is False
    (core / "run/execution.py").write_text("x = 1\n")
    assert "repro/run/execution.py" in state(paper)["why"]


def test_an_archive_in_an_unrelated_repository_has_no_commit(paper: Any, git: Git) -> None:
    shutil.rmtree(".git")
    Path(".gitignore").write_text("*\n")
    git("init", "-q")
    git("add", "-f", ".gitignore")
    git("commit", "-qm", "dotfiles")
    found = state(paper)
    assert (found["commit"], found["dirty"]) == (None, None) and "none of this code" in found["why"]


def test_no_repository_and_no_git_are_said(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = state(paper)
    assert (found["commit"], found["dirty"]) == (None, None) and found["why"]
    monkeypatch.setenv("PATH", "")
    found = state(paper)
    assert found["commit"] is None and "git cannot be started" in found["why"]


def test_a_repository_of_someone_else_is_read(paper: Any, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """git refuses it (dubious ownership) for what it may run; nothing of it is run here."""
    call = as_committed.git.environment
    monkeypatch.setattr(as_committed.git, "environment", lambda: call() | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert state(paper)["dirty"] is False


def test_a_blob_has_the_id_that_git_gives_it(paper: Any, git: Git) -> None:
    for path in (paper.folder / "model.py", paper.folder / "paper.toml"):
        assert as_committed.blob_of(path) == git("hash-object", "--no-filters", str(path))


def test_the_core_counts_where_it_is_in_the_same_repository() -> None:
    counted = as_committed.counted(config.read(Path("papers/template/configs/smoke.gin")))
    assert {code_digest.REPRO / "run/execution.py", code_digest.REPRO / "training" / "metrics_log.py"} <= counted
    assert code_digest.REPRO / "report" / "html" / "axis.py" not in counted


def test_only_the_commits_that_are_not_there_are_missing(paper: Any, git: Git) -> None:
    head = git("rev-parse", "HEAD")
    assert as_committed.git.missing(Path.cwd(), [head, "0" * 40]) == {"0" * 40}
    assert as_committed.git.missing(Path.cwd(), [git("rev-parse", "HEAD^{tree}")]), "a tree is no commit"
