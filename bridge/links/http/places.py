"""So many at once, and a line of those who wait for a place."""

import asyncio
from collections import deque


class Places:
    """Each that is taken has to be given back."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take one now; False if none is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Take one as soon as those before have had theirs. Cancelled: none is taken."""
        if self.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came as we left
                self.give_back()
            raise

    def give_back(self) -> None:
        """To whoever has waited longest, if anybody does."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
