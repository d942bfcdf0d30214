"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("samekind", deadline=None)  # no test asserts a time
settings.load_profile("samekind")


def pytest_configure() -> None:
    """Commands that tests interrupt inherit how this process takes it, and a job in the background is started deaf."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
