"""A real node shared by the tests of a file; each test takes a room of its own."""

from collections.abc import Iterator

import pytest

from signaling import SignalingConfig, Timings
from tests.signaling.live_node import KEY, SECRET, LiveNode

QUICK = Timings(grace_s=4.0, departure_timeout_s=1, empty_timeout_s=60)


@pytest.fixture(scope="module")
def node() -> Iterator[LiveNode]:
    """A node that creates rooms by itself, with short times."""
    live = LiveNode(SignalingConfig({KEY: (SECRET,)}, auto_create=True, timings=QUICK))
    live.start()
    yield live
    live.stop()


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room name of the test's own."""
    return str(request.node.name)
