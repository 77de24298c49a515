"""A real client and a real service on loopback: the answers are those of the model, and no request is lost."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import torch

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from repro import record
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.run import finished
from repro.serve import trained
from repro.serve.batches import Batches, Limits
from repro.serve.service import Service
from repro.watch import log as watched
from repro.watch.summary import digest, summary
from tests.serve.clients import line, on_loopback, png

DIGITS = Digits("test", size=8)
NAME = "served/digits-seed0"


@pytest.fixture
def served(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Service(trained.load(trained.find("served/digits")), "right")


@pytest.fixture
def address(served: Service) -> Iterator[str]:
    with on_loopback(served) as found:
        yield found


def send(address: str, image: torch.Tensor) -> requests.Response:
    return requests.post(f"{address}/predict", png(image), headers={"Content-Type": "image/png"}, timeout=60)


def test_200_concurrent_requests_lose_none(address: str, served: Service, ran: Path) -> None:
    """Each gets the answer to its own image: the probabilities are those of the model of the run."""
    built = finished.restored(ran)
    expected = built.estimates([DIGITS[index][0] for index in range(200)]).softmax(1)
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda index: send(address, DIGITS[index][0]), range(200)))
    assert [one.status_code for one in answers] == [200] * 200
    for answer, row in zip(answers, expected, strict=True):
        found = answer.json()
        assert torch.allclose(torch.tensor(found["probabilities"]), row, atol=1e-5)
        assert found["number"] == int(row.argmax()) and found["class"] == str(found["number"])
        assert found["probability"] == max(found["probabilities"])
    assert requests.get(f"{address}/health", timeout=10).json()["answered"] == 200


def test_each_answer_names_record_and_checkpoint(address: str, served: Service) -> None:
    answer = send(address, DIGITS[0][0]).json()
    health = requests.get(f"{address}/health", timeout=10).json()
    for found in (answer, health):
        assert found["record"] == NAME and found["checkpoint"] == served.trained.checkpoint
    assert re.fullmatch("[0-9a-f]{64}", answer["checkpoint"]) and health["status"] == "ok"


def test_every_form_of_a_request_gives_the_same_answer(address: str) -> None:
    image = DIGITS[3][0]
    coded = base64.b64encode(png(image)).decode()
    answers = [send(address, image)]
    for row in ({"image": coded}, {"inputs": image.tolist()}):
        answers.append(requests.post(f"{address}/predict", json=row, timeout=60))
    assert len({json.dumps(one.json()["probabilities"]) for one in answers}) == 1


def test_the_model_is_described_by_its_record(address: str, ran: Path) -> None:
    found = requests.get(f"{address}/model", timeout=10).json()
    kept = record.read(ran.parent.parent / "records" / "digits-seed0.json")
    assert found["config_digest"] == kept.digest and found["commit"] == kept.source["commit"]
    assert (
        found["reads"] == ["image", "numbers"]
        and found["shape"] == [1, 8, 8]
        and found["classes"] == list("0123456789")
    )
    means = {(one["test"], one["metric"]): one["mean"] for one in found["metrics"]}
    assert means == {(one.test, one.metric): pytest.approx(one.mean) for one in kept.measurements}
    assert found["published"] and found["stale"] == "" and found["verdicts"] == []


def test_the_description_loads_nothing_from_elsewhere(address: str) -> None:
    described = requests.get(f"{address}/openapi.json", timeout=10).json()
    assert {"/predict", "/health", "/model"} <= set(described["paths"])
    assert {"image/png", "application/json"} <= set(described["paths"]["/predict"]["post"]["requestBody"]["content"])
    for path in ("/docs", "/"):
        page = requests.get(f"{address}{path}", timeout=10)
        assert page.status_code == 200 and "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert not re.findall(r"<(?:script|link|img|iframe)|@import|src=", page.text)
        assert all(not one.startswith(("http", "//")) for one in re.findall(r'href="([^"]*)"', page.text))


@pytest.mark.parametrize(("content", "kind", "code"), [
    (b"", "image/png", 422),
    (b"no image", "image/png", 422),
    (png(torch.rand(1, 9, 8)), "image/png", 422),
    (png(torch.rand(3, 8, 8)), "image/png", 422),
    (png(torch.rand(1, 8, 8))[:-45], "image/png", 422),
    (b"GIF89a" + bytes(50), "image/gif", 422),
    (b"a text", "text/plain", 422),
    (b"RIFF" + bytes(50), "audio/wav", 422),
    (b"x", "application/pdf", 415),
    (b"x", "", 415),
    (b"{", "application/json", 422),
    (b"[]", "application/json", 422),
    (b"{}", "application/json", 400),
    (b'{"file": "/etc/passwd"}', "application/json", 400),
    (b'{"image": "a", "text": "b"}', "application/json", 400),
    (b'{"image": 1}', "application/json", 400),
    (b'{"image": "???"}', "application/json", 400),
    ('{"image": "\u00e9"}'.encode(), "application/json", 400),
    (b'{"inputs": [1, 2]}', "application/json", 422),
    (b'{"inputs": [["a"]]}', "application/json", 422),
    (b'{"inputs": {"a": 1}}', "application/json", 422),
    (b'{"inputs": NaN}', "application/json", 422),
    (b'{"inputs": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 422),
    (b'{"inputs": ' + b"9" * 5000 + b"}", "application/json", 422),
    (b'\xff\xfe{}', "application/json", 422),
], ids=lambda value: str(value)[:12] if isinstance(value, str) else "")  # fmt: skip
def test_a_wrong_request_is_one_line(content: bytes, kind: str, code: int, address: str) -> None:
    answer = requests.post(f"{address}/predict", content, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == code and line(answer)
    assert send(address, DIGITS[0][0]).status_code == 200


def test_one_wrong_image_in_a_batch_spoils_no_other(served: Service) -> None:
    with on_loopback(served, Limits(batch=16, wait=300)) as address, ThreadPoolExecutor(8) as pool:
        images = [DIGITS[0][0] if index % 2 else torch.rand(1, 5, 5) for index in range(8)]
        codes = [one.status_code for one in pool.map(lambda image: send(address, image), images)]
    assert codes == [422, 200] * 4


def test_a_large_request_is_not_read(served: Service) -> None:
    with on_loopback(served, Limits(size=1000)) as address:
        answer = requests.post(f"{address}/predict", bytes(1001), headers={"Content-Type": "image/png"}, timeout=10)
        assert answer.status_code == 413 and "1,000" in line(answer)
        parts = iter([bytes(600)] * 3)  # in pieces, without a length
        answer = requests.post(f"{address}/predict", parts, headers={"Content-Type": "image/png"}, timeout=10)
        assert answer.status_code == 413


def test_a_slow_model_is_not_waited_for(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(served, "answers", lambda given: go.wait(20) and [{}] * len(given))
    with on_loopback(served, Limits(seconds=0.2)) as address:
        answer = send(address, DIGITS[0][0])
        go.set()
    assert answer.status_code == 504 and line(answer)


def test_too_many_requests_are_refused_and_not_queued(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(served, "answers", lambda given: go.wait(20) and [{}] * len(given))
    with on_loopback(served, Limits(batch=1, waiting=3)) as address, ThreadPoolExecutor(12) as pool:
        running = [pool.submit(send, address, DIGITS[0][0]) for _ in range(12)]
        end = time.monotonic() + 20
        while sum(one.done() for one in running) < 8 and time.monotonic() < end:
            time.sleep(0.01)
        go.set()
        codes = sorted(one.result().status_code for one in running)
    assert codes.count(503) >= 8 and set(codes) == {200, 503}


def test_a_fault_of_the_model_has_no_details(served: Service, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fails(given: Any) -> Any:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(served, "answers", fails)
    with on_loopback(served) as address:
        answer = send(address, DIGITS[0][0])
    assert answer.status_code == 500 and "secret" not in answer.text and "secret" in caplog.text


HOSTS = ("evil.example", "", "127.0.0.1.evil.example", "[127.0.0.1]x", "evil@127.0.0.1", "127.0.0.1:x", "a/127.0.0.1")


@pytest.mark.parametrize("host", HOSTS)
def test_a_page_of_another_site_cannot_call_it(host: str, address: str) -> None:
    answer = requests.get(f"{address}/health", headers={"Host": host}, timeout=10)
    assert answer.status_code == 400 and line(answer)


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:1234", "[::1]:8000", "127.0.0.1"])
def test_a_service_on_this_machine_has_these_names(host: str, address: str) -> None:
    assert requests.get(f"{address}/health", headers={"Host": host}, timeout=10).status_code == 200


def test_a_page_of_another_site_adds_nothing_to_the_log(served: Service, ran: Path) -> None:
    """A browser sends the requests of any page to this machine, but says which page it was."""
    image, kind = png(DIGITS[0][0]), {"Content-Type": "image/png"}
    with served.logged(Path("one.jsonl")), on_loopback(served) as address:
        for origin in ("https://evil.example", "null", "", address + "1", "http://localhost"):
            answer = requests.post(f"{address}/predict", image, headers={**kind, "Origin": origin}, timeout=10)
            assert answer.status_code == 403 and line(answer)
        answer = requests.post(f"{address}/predict", image, headers={**kind, "Origin": address}, timeout=10)
        assert answer.status_code == 200
    assert len(watched.read(Path("one.jsonl")).requests) == 1


def test_unknown_addresses_and_methods(address: str) -> None:
    for method, path, code in (
        ("GET", "/predict", 405),
        ("GET", "/redoc", 404),
        ("POST", "/predict/", 404),
        ("DELETE", "/model", 405),
    ):
        answer = requests.request(method, f"{address}{path}", timeout=10)
        assert answer.status_code == code and line(answer)


def test_the_log_is_what_watch_reads(served: Service, ran: Path) -> None:
    with served.logged(Path("one.jsonl")), on_loopback(served) as address:
        for index in range(5):
            assert send(address, DIGITS[index][0]).status_code == 200
        answer = requests.post(f"{address}/predict", json={"inputs": [[[0.0] * 8] * 8]}, timeout=10)
        assert answer.status_code == 422  # a log has inputs of one kind
        assert requests.get(f"{address}/model", timeout=10).json()["reads"] == ["image"]
        assert "inputs" not in requests.get(f"{address}/openapi.json", timeout=10).text
        assert send(address, torch.rand(1, 2, 2)).status_code == 422
    found = watched.read(Path("one.jsonl"))
    assert found.header.checkpoint == served.trained.checkpoint and found.header.config == str(ran)
    assert (
        found.header.classes == list("0123456789") and found.header.record == "papers/served/records/digits-seed0.json"
    )
    assert len(found.requests) == 5 and not any(one.input for one in found.requests)
    for index, one in enumerate(found.requests):
        image = DIGITS[index][0]
        assert one.item == digest(png(image)) and one.summary == pytest.approx(summary(image))
        assert sum(number for number in one.answer if number) == pytest.approx(1, abs=1e-4) and one.seconds > 0


def test_raw_data_is_only_logged_if_wanted(served: Service) -> None:
    with served.logged(Path("one.jsonl"), inputs=True), on_loopback(served) as address:
        send(address, DIGITS[0][0])
    (one,) = watched.read(Path("one.jsonl")).requests
    assert base64.b64decode(one.input) == png(DIGITS[0][0])


def test_a_batch_has_what_waits(served: Service) -> None:
    """At most `batch` requests, and more than one if they come together."""
    sizes: list[int] = []
    answers = served.answers
    served.answers = lambda given: sizes.append(len(given)) or answers(given)  # type: ignore[method-assign]
    with on_loopback(served, Limits(batch=10, wait=100)) as address, ThreadPoolExecutor(60) as pool:
        assert {one.status_code for one in pool.map(lambda index: send(address, DIGITS[index][0]), range(60))} == {200}
    assert sum(sizes) == 60 and max(sizes) <= 10 and len(sizes) < 30


def test_an_unknown_test_set_is_named(ran: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Service(trained.load(trained.find("served/digits")), "rihgt")
    assert caught.value.nearest == "right"


def test_batches_give_each_request_its_own_answer() -> None:
    """Also where a request fails, or fails with all others."""
    import asyncio

    def answer(given: list[int]) -> list[Any]:
        if 7 in given and len(given) > 1:
            raise ValueError("all together")
        return [ValueError("seven") if one == 7 else one * one for one in given]

    async def ask() -> list[Any]:
        waiting = Batches(answer, Limits(batch=4, wait=20))
        waiting.start()
        found = await asyncio.gather(*(waiting(one) for one in range(20)), return_exceptions=True)
        await waiting.stop()
        return found

    found = asyncio.run(ask())
    assert [one for one in found if not isinstance(one, Exception)] == [n * n for n in range(20) if n != 7]
    assert isinstance(found[7], ValueError)
