"""What the tests of the core and of the papers share: plugins they need, random numbers that no other test draws."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Refuse to run without the plugins that the settings in `pyproject.toml` need, with what to install."""
    if not pluginmanager.hasplugin("timeout"):
        raise pytest.UsageError("pytest-timeout is missing; install the extra 'test': pip install -e '.[test]'")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Seed Python, NumPy and PyTorch before each test, so that its numbers are the same whatever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # libraries use it
    torch.manual_seed(0)
