"""Reading many JSON files: the garbage collector is paused, and works as before when they were read."""

from __future__ import annotations

import gc

import pytest

from repro.files import strict_json


def failing() -> None:
    with strict_json.many():
        assert not gc.isenabled()
        raise ZeroDivisionError


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_as_before_also_after_an_error(on: bool) -> None:
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(ZeroDivisionError):
            failing()
        assert gc.isenabled() == on
    finally:
        gc.enable()
