"""What a connection may cost: how many there may be, how long a client may keep one waiting, how large a head may be.

uvicorn leaves all of this to a proxy, and the core's port is open to whoever is in its network.
"""

import asyncio
import json
import logging
import math
from heapq import nsmallest
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

ROOM = 1000  # connections of one process
PATIENCE = 20.0  # s between two looks at a connection
SLOWEST = 1 << 10  # bytes of a body that must arrive in that time
HEAD = 64 << 10  # bytes that may arrive and neither end a head nor belong to a body
TELL = 10.0  # s between two lines in the log

DETAIL = json.dumps({"detail": f"The head of the request is larger than {HEAD >> 10} KB. Send less."})
REFUSAL = (
    "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    f"content-length: {len(DETAIL)}\r\n\r\n{DETAIL}"
).encode()


class Connection(HttpToolsProtocol):
    """A client that does not move on is hung up on: at every look it must have come further than at the last one.

    If there are too many connections, those that have waited longest for a request make room. So nobody can shut
    others out by connecting, not even from the same address, which may be a proxy with many people behind it.
    """

    told_at: ClassVar[float] = -math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self._loose = self._body = self._resumed = 0
        self._stand: object = None
        self.since = self.loop.time()
        self._timer = self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > ROOM:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD and not self.transport.is_closing():
            if self.waits:
                self.transport.write(REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._loose = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._loose = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._resumed += 1
        super().resume_writing()

    @property
    def waits(self) -> bool:
        """For a request, or for the rest of its head."""
        return self.cycle is None or self.cycle.response_complete

    def _awaited(self) -> object:
        """What the client has to do next, equal for as long as it does not do it. None if it is our turn."""
        if pending := self.transport.get_write_buffer_size():
            return ("take", self._resumed, pending)
        if self.waits:
            idle = self.timeout_keep_alive_task is not None  # uvicorn hangs up in time
            return None if idle else ("ask", self.cycle)
        if self.cycle.more_body and not self.flow.read_paused:
            return ("send", self._body // SLOWEST)
        return None

    def _look(self) -> None:
        awaited = self._awaited()
        if awaited is not None and awaited == self._stand:
            self.transport.abort()
            return
        self._stand = awaited
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def _make_room(self) -> None:
        """Several at once: choosing them takes longer than serving a request."""
        others = [one for one in self.connections if isinstance(one, Connection) and one is not self]
        waiting = [one for one in others if one.waits]
        # Those that have never sent a request come first.
        victims = nsmallest(ROOM // 10, waiting, key=lambda one: (one.cycle is not None, one.since)) or [self]
        for victim in victims:
            self.connections.discard(victim)
            victim.transport.abort()
        if self.loop.time() - self.told_at > TELL:
            Connection.told_at = self.loop.time()
            whose = victims[0].client
            log.warning(
                "There are more than %s connections. %s that waited for a request were closed, the oldest from %s.",
                *(ROOM, len(victims), whose[0] if whose else "nowhere"),
            )
