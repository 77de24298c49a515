"""Anyone's pull request can start the workflows, so the workflows have few permissions and trust no text of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted([*FOLDER.rglob("*.yml"), *FOLDER.rglob("*.yaml")])
TRIGGERS = {"push", "pull_request", "schedule", "workflow_dispatch"}
STRANGERS = re.compile(r"\$\{\{[^}]*(github\.(event|head_ref|ref_name|actor)|inputs\.|steps\.)[^}]*\}\}")
"""Texts that the author of a pull request controls, such as a title. In a script, they would become code."""

GOOD: dict[str, Any] = {
    "on": {"pull_request": None},
    "permissions": {"contents": "read"},
    "jobs": {
        "test": {
            "steps": [
                {"uses": f"actions/checkout@{'a' * 40}", "with": {"persist-credentials": False}},
                {"run": "make test", "env": {"TITLE": "${{ github.event.pull_request.title }}"}},
            ]
        }
    },
}


def faults(workflow: dict[Any, Any]) -> list[str]:
    """One line for every rule that a workflow breaks."""
    on = workflow.get("on", workflow.get(True))  # YAML 1.1 reads the key `on` as the boolean True
    triggers = set(on if isinstance(on, (list, dict)) else [on])
    found = [f"starts on {name}" for name in sorted(triggers - TRIGGERS, key=str)]
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        found.append("its permissions are not read-only from the top")
    if "pull_request" in triggers and re.search(r"secrets\b", str(workflow)):
        found.append("a pull request starts it, and it names secrets")
    for name, job in workflow["jobs"].items():
        found += [f"{name}: {fault}" for fault in _job(job, "pull_request" in triggers)]
    return found


def _job(job: dict[str, Any], strangers: bool) -> list[str]:
    written = [what for what, how in (job.get("permissions") or {}).items() if how == "write"]
    found = [f"may write {what}" for what in written if strangers]
    found += ["runs on a machine of our own"] if "self-hosted" in str(job.get("runs-on")) else []
    for step in [job, *job.get("steps", [])]:  # a job itself can use another workflow
        uses, given = str(step.get("uses", "")), step.get("with") or {}
        if uses and not re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", uses):
            found.append(f"{uses} is not named by the digest of a commit")
        if uses.startswith("actions/checkout@") and given.get("persist-credentials") is not False:
            found.append("leaves the token in the checkout")
        if STRANGERS.search(f"{step.get('run', '')} {given.get('script', '')}"):
            found.append("writes what a stranger says into a script")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_keeps_the_rules(path: Path) -> None:
    assert faults(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


def test_there_are_workflows_and_a_pull_request_starts_one() -> None:
    assert [path for path in FILES if "pull_request" in path.read_text(encoding="utf-8")]


def changed(**what: Any) -> dict[str, Any]:
    return GOOD | what


def step(**what: Any) -> dict[str, Any]:
    return changed(jobs={"test": {"steps": [what]}})


SHA = "@" + "a" * 40


@pytest.mark.parametrize(("workflow", "said"), [
    (changed(on={"pull_request_target": None}), "starts on pull_request_target"),
    (changed(on="issue_comment"), "starts on issue_comment"),
    ({key: GOOD[key] for key in ("on", "jobs")}, "its permissions are not read-only from the top"),
    (changed(permissions="write-all"), "its permissions are not read-only from the top"),
    (changed(permissions={"contents": "write"}), "its permissions are not read-only from the top"),
    (changed(env={"A": "${{ secrets.TOKEN }}"}), "a pull request starts it, and it names secrets"),
    (changed(jobs={"x": {"uses": f"a/b/.github/workflows/c.yml{SHA}", "secrets": "inherit"}}), "it names secrets"),
    (changed(jobs={"x": {"permissions": {"contents": "write"}}}), "x: may write contents"),
    (changed(jobs={"x": {"runs-on": ["self-hosted", "gpu"]}}), "x: runs on a machine of our own"),
    (step(uses="actions/setup-python@v5"), "setup-python@v5 is not named by the digest of a commit"),
    (step(uses="actions/setup-python@main"), "setup-python@main is not named by the digest of a commit"),
    (step(uses="docker://alpine:3"), "docker://alpine:3 is not named by the digest of a commit"),
    (step(uses=f"actions/checkout{SHA}"), "leaves the token in the checkout"),
    (step(run="echo ${{ github.event.pull_request.title }}"), "writes what a stranger says into a script"),
    (step(run="git log ${{github.head_ref}}"), "writes what a stranger says into a script"),
    (step(uses=f"actions/github-script{SHA}", **{"with": {"script": "x('${{ github.event.issue.body }}')"}}),
     "writes what a stranger says into a script"),
])  # fmt: skip
def test_a_workflow_that_breaks_one_is_found(workflow: dict[str, Any], said: str) -> None:
    assert [fault for fault in faults(workflow) if said in fault]


def test_a_good_one_is_let_pass() -> None:
    assert faults(GOOD) == []
    assert faults(changed(on={"schedule": [{"cron": "0 3 * * 1"}]}, env={"A": "${{ secrets.TOKEN }}"})) == []
