"""One file from servers that cut, stall, lie, fail and send other bytes: it is there whole and right, or not at all."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data import download
from repro.errors import BadInput

CONTENT = random.Random(0).randbytes(300_000)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
PASSING = ("cut", "stall", "close", "whole", "unsized", "500", "503", "429")
LASTING = ("404", "403", "wrong", "short", "long", "more")


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test is about silence, 0.2 s of it are enough; elsewhere a busy machine must not pass for one."""
    monkeypatch.setattr(download, "BACKOFF", 0.001)
    monkeypatch.setattr(download, "STALL", 0.2 if "stall" in request.node.name or "few" in request.node.name else 20.0)


def get(server: Any, folder: Path, *names: str, checksum: str = CHECKSUM) -> bytes:
    """The bytes that `download` brings from the server's paths `names`; the folder then holds that file alone."""
    for name in names:
        server.files.setdefault(name, CONTENT)
    urls = [f"{server.address}/{name}" for name in names]
    path = download.download(urls, folder, "a.bin", len(CONTENT), checksum)
    assert [path] == list(folder.iterdir())
    return path.read_bytes()


def ranges(server: Any) -> list[str]:
    return [wanted for _, wanted in server.asked]


def test_a_file_is_brought_and_then_not_asked_for_again(server: Any, tmp_path: Path, capfd: Any) -> None:
    assert get(server, tmp_path, "a") == CONTENT
    assert "a.bin" in capfd.readouterr().err, "progress goes to stderr"
    server.stop()
    assert get(server, tmp_path, "a") == CONTENT


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_outlived(server: Any, tmp_path: Path, fault: str) -> None:
    server.faults["a"] = [fault]
    assert get(server, tmp_path, "a") == CONTENT
    assert len(server.asked) == 1 + (fault not in ("whole", "unsized"))


@pytest.mark.parametrize("fault", LASTING)
def test_a_lasting_fault_leads_to_the_next_address(server: Any, tmp_path: Path, fault: str) -> None:
    server.faults["a"] = [fault] * 9
    assert get(server, tmp_path, "a", "b") == CONTENT
    assert [path for path, _ in server.asked] == ["a", "b"], "it is not asked for again"


@given(faults=st.lists(st.sampled_from(PASSING), max_size=download.ATTEMPTS - 1))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_few_faults_in_a_row_are_outlived(server: Any, tmp_path_factory: Any, faults: list[str]) -> None:
    server.faults["a"] = list(faults)
    assert get(server, tmp_path_factory.mktemp("it"), "a") == CONTENT


def test_what_has_arrived_is_not_asked_for_again(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["cut", "cut"]
    assert get(server, tmp_path, "a") == CONTENT
    assert ranges(server) == ["", "bytes=150000-", "bytes=225000-"]
    assert server.sent == len(CONTENT)


def test_a_later_call_goes_on_where_the_first_gave_up(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["cut", "503", "503", "503", "503"]
    with pytest.raises(BadInput, match=r"cannot download a\.bin: http.*/a \(HTTP 503\)"):
        get(server, tmp_path, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin.part"]
    assert get(server, tmp_path, "b") == CONTENT, "from another address too"
    assert ranges(server)[-1] == "bytes=150000-"


def test_progress_between_faults_earns_new_attempts(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["cut", "500", "500"] * 4
    assert get(server, tmp_path, "a") == CONTENT


def test_a_server_that_ignores_range_sends_the_whole_anew(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["cut", "whole"]
    assert get(server, tmp_path, "a") == CONTENT
    assert ranges(server) == ["", "bytes=150000-"]


def test_a_range_from_elsewhere_is_refused(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["cut", "elsewhere"]
    with pytest.raises(BadInput, match="asked for the bytes from 150000 on, but sent those from 150001 on"):
        get(server, tmp_path, "a")


def test_a_server_that_does_not_end_is_left(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["more"]
    with pytest.raises(BadInput, match=rf"it has more than {len(CONTENT)} bytes"):
        get(server, tmp_path, "a")
    assert server.sent < 32 << 20 and not list(tmp_path.iterdir())


def test_a_server_that_stalls_is_left_in_time(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["stall"]
    began = time.perf_counter()
    get(server, tmp_path, "a")
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("size", [1, 1000, len(CONTENT), len(CONTENT) + 1])
def test_the_beginning_of_another_version_is_dropped(server: Any, tmp_path: Path, size: int) -> None:
    """It has another content or is too long; the checksum tells, and the file is brought whole."""
    (tmp_path / "a.bin.part").write_bytes(bytes(size))
    assert get(server, tmp_path, "a") == CONTENT
    assert ranges(server)[-1] == ""


@pytest.mark.parametrize("size", [10, len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_file_of_another_size_is_refused_before_it_is_transferred(server: Any, tmp_path: Path, size: int) -> None:
    server.files["a"] = bytes(size)
    with pytest.raises(BadInput, match=rf"\(it has {size} bytes; expected {len(CONTENT)}\)"):
        get(server, tmp_path, "a")
    assert server.sent <= size and not list(tmp_path.iterdir())


def test_a_beginning_that_is_longer_than_the_file_there_is_dropped(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    server.files["a"] = bytes(10)
    assert get(server, tmp_path, "a", "b") == CONTENT
    assert server.asked == [("a", "bytes=1000-"), ("a", ""), ("b", "")]


def test_other_bytes_are_refused_and_not_kept(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["wrong"]
    with pytest.raises(BadInput, match=rf"another file of this size: its checksum is not {CHECKSUM}") as caught:
        get(server, tmp_path, "a")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_bytes_are_kept_as_packed_whatever_the_server_calls_them(server: Any, tmp_path: Path) -> None:
    server.faults["a"] = ["gzip", "packed"]
    assert get(server, tmp_path, "a") == CONTENT
    assert get(server, tmp_path / "again", "a") == CONTENT


def test_md5_will_do(server: Any, tmp_path: Path) -> None:
    assert get(server, tmp_path, "a", checksum=f"md5:{hashlib.md5(CONTENT).hexdigest()}") == CONTENT


@pytest.mark.parametrize(("fault", "said"), [
    ("404", "HTTP 404"), ("500", "HTTP 500"),
    ("close", "the connection was interrupted"), ("stall", "no byte for 0.2 seconds"),
])  # fmt: skip
def test_every_address_is_named_with_its_fault(server: Any, tmp_path: Path, fault: str, said: str) -> None:
    server.faults |= {"a": [fault] * 40, "b": ["404"]}
    with pytest.raises(BadInput) as caught:
        get(server, tmp_path, "a", "b")
    address = server.address
    assert str(caught.value) == f"cannot download a.bin: {address}/a ({said}), {address}/b (HTTP 404)"


def test_no_network_is_said(server: Any, tmp_path: Path) -> None:
    server.stop()
    with pytest.raises(BadInput, match=r"/a \(no connection\)$"):
        get(server, tmp_path, "a")


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_server(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").mkdir()
    with pytest.raises(OSError, match=r"a\.bin\.part"):
        get(server, tmp_path, "a")
