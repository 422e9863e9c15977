"""The endpoint every media test on loopback uses."""

from collections.abc import AsyncIterator, Iterator

import pytest

from media.endpoint import Endpoint, open_endpoint
from tests.media.plane_lab import Lab


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The node runs on uvloop; asyncio's own loop must do as well."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A live endpoint on free loopback ports, closed after the test."""
    opened = await open_endpoint()
    yield opened
    await opened.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A plane without a network, closed after the test."""
    made = Lab()
    yield made
    made.plane.close()
