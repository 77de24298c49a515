"""The check that the plugins which the settings in `pyproject.toml` need are installed: the extra `test` has them."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Refuse to run without them, in a line that says what to install."""
    if not pluginmanager.hasplugin("timeout"):
        raise pytest.UsageError("pytest-timeout is missing; install the extra 'test': pip install -e '.[test]'")
