"""Signals: where nothing is lost a run stops at once, within a training it waits for the end of the step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from repro import interruption
from repro.interruption import RESUME, Interrupted


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", interruption.SIGNALS, ids=lambda number: number.name)
def test_outside_of_a_training_it_stops_at_once(number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=number.name), interruption.listening():
        send(number)
    assert not interruption.asked()


@pytest.mark.parametrize("number", interruption.SIGNALS, ids=lambda number: number.name)
def test_inside_it_waits_to_be_asked_for(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    reached = False

    def train() -> None:
        nonlocal reached
        with interruption.listening(), interruption.deferred():
            send(number)
            assert interruption.asked() == number.name
            reached = True

    with pytest.raises(Interrupted, match=number.name):  # at the latest when the training is over
        train()
    assert reached and f"{number.name}: stopping after this step" in capfd.readouterr().err


def test_once_more_stops_at_once() -> None:
    def train() -> None:
        with interruption.listening(), interruption.deferred():
            send(signal.SIGTERM)
            send(signal.SIGTERM)  # a scheduler says it more than once
            send(signal.SIGINT)
            raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        train()


def test_it_is_no_exception_that_a_paper_s_code_could_swallow() -> None:
    assert not issubclass(Interrupted, Exception)


def test_the_handlers_that_were_there_come_back() -> None:
    before = [signal.getsignal(number) for number in interruption.SIGNALS]
    with interruption.listening():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in interruption.SIGNALS] == before


def test_another_thread_listens_to_nothing() -> None:
    said: list[str] = []

    def listen() -> None:
        with interruption.listening():
            said.append("fine")

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert said == ["fine"]


def test_a_terminal_that_is_gone_does_no_harm() -> None:
    code = """
import os, signal
from repro import interruption
os.close(2)
try:
    with interruption.listening(), interruption.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
except interruption.Interrupted:
    os._exit(75)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == RESUME
