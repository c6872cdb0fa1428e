"""What counts as an end of the library's calls, and what is a fault of ours that must not be hidden."""

import asyncio

import aiormq.exceptions as amqp
import pytest

from bridge.broker.errors import ChannelLost, library_errors


@pytest.mark.parametrize(
    "error",
    [
        amqp.ConnectionClosed(320, "CONNECTION_FORCED"),
        ConnectionResetError("reset"),
        RuntimeError("closed"),
        StopAsyncIteration(),
        TimeoutError(),
        asyncio.CancelledError(),
        Exception(),  # of each call that waits when a connection closes and nobody knows why
    ],
    ids=repr,
)
async def test_what_the_library_ends_a_call_with_is_a_lost_channel(error: BaseException) -> None:
    with pytest.raises(ChannelLost) as found, library_errors():
        raise error
    assert found.value.reason
    assert "Exception" not in found.value.reason


@pytest.mark.parametrize("error", [KeyError("x"), AttributeError("x"), AssertionError()], ids=repr)
async def test_our_own_faults_are_not_hidden(error: Exception) -> None:
    with pytest.raises(type(error)), library_errors():
        raise error
