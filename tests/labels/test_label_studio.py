"""The tasks are imported by a real Label Studio, and its exports are read. Where it is not installed, this is skipped.

python -m venv /somewhere && /somewhere/bin/pip install label-studio      # 1 GB
PATH=$PATH:/somewhere/bin pytest -m slow tests/labels/test_label_studio.py
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from repro.labels import answers
from tests.labels import study

PROGRAM = shutil.which("label-studio")
USER, PASSWORD = "ann@example.org", "secret12345"
PATIENCE = 400.0  # seconds until the server answers; it makes its database first
LISTED = ("JSON", "JSON_MIN")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(PROGRAM is None, reason="label-studio is not installed: pip install label-studio (1 GB)"),
]


class Client:
    """A user who is logged in."""

    def __init__(self, address: str) -> None:
        self.address, self.session = address, requests.Session()
        self.session.trust_env = False  # no proxy
        page = f"{address}/user/login/"
        self.session.get(page, timeout=60)
        form = {"email": USER, "password": PASSWORD, "csrfmiddlewaretoken": self.session.cookies["csrftoken"]}
        self.session.post(page, data=form, headers={"Referer": page}, timeout=60).raise_for_status()

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-CSRFToken": self.session.cookies["csrftoken"], "Referer": self.address}
        answer = self.session.request(method, self.address + path, headers=headers, timeout=120, **more)
        answer.raise_for_status()
        return answer.json()


def wait(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{address}/version", timeout=5, proxies={"http": ""}).ok:
                return
        except requests.RequestException:
            time.sleep(1)
    pytest.fail("Label Studio did not start")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client of a server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(PROGRAM), "start", "--no-browser", "--port", str(port), "--data-dir", str(tmp_path / "server")]
    words += ["--username", USER, "--password", PASSWORD]
    variables = {**os.environ, "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path / "server"), "COLLECT_ANALYTICS": "false"}
    variables.pop("PYTHONPATH", None)
    with subprocess.Popen(
        words, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait(f"http://127.0.0.1:{port}", process)
            yield Client(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def test_there_and_back(paper: Any, repro: Any, client: Client) -> None:
    """Three tasks are answered with the class 3; the predictions arrive, and both exports are read."""
    path = study.digits(paper)
    assert repro("run", path)[0] == 0
    code, out, err = repro("labels", "suspects", path, "--test", "wrong", "--most", "3")
    assert code == 0, err
    written, interface, _ = (Path(line) for line in out.splitlines())
    project = client("POST", "/api/projects/", json={"title": "digits", "label_config": interface.read_text()})["id"]
    done = client("POST", f"/api/projects/{project}/import", json=json.loads(written.read_text()))
    assert (done["task_count"], done["prediction_count"]) == (3, 3)
    value = {"id": "x", "from_name": "new_label", "to_name": "shown", "type": "choices", "value": {"choices": ["3"]}}
    for task in client("GET", f"/api/tasks/?project={project}")["tasks"]:
        client("POST", f"/api/tasks/{task['id']}/annotations/", json={"result": [value], "lead_time": 1.5})
    tables = []
    for form in LISTED:
        export = Path(f"{form}.json")
        export.write_text(json.dumps(client("GET", f"/api/projects/{project}/export?exportType={form}")))
        found = answers.bring_in([export], form)
        assert found.given == 3 and {one.new for one in found.answers} == {3}
        tables.append(found.table.read_text())
    assert tables[0] == tables[1]
