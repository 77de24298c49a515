"""What the tests of the launcher share: `queue`, a queue in a folder of its own, whose workers end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.queues import Queue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path / "my queue")  # the space is part of the test
    yield queue
    queue.end()
