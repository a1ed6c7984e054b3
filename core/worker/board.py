"""The board on which a run writes its progress: memory that it shares with the worker, so a report costs no call."""

import mmap
import os
import struct
from dataclasses import dataclass

import pydantic_core

HEAD = struct.Struct("=QI")  # how often the board was written to, and the length of the report on it
SIZE = 4096
LONGEST = 200  # characters of a message


@dataclass
class Board:
    """Only the newest report stands on it; one that is torn by a second writer is not read."""

    file: int
    memory: mmap.mmap
    _seen: int = 0

    @classmethod
    def new(cls) -> "Board":
        file = os.memfd_create("board")
        os.ftruncate(file, SIZE)
        return cls.of(file)

    @classmethod
    def of(cls, file: int) -> "Board":
        return cls(file, mmap.mmap(file, SIZE))

    def write(self, done: float, message: str = "") -> None:
        """What a job calls as `progress`."""
        done = min(max(0.0, float(done)), 1.0)  # in this order NaN becomes 0
        report = pydantic_core.to_json((done, str(message)[:LONGEST].encode(errors="replace").decode()))
        count, _ = HEAD.unpack_from(self.memory)
        HEAD.pack_into(self.memory, 0, count + 1, 0)
        self.memory[HEAD.size : HEAD.size + len(report)] = report
        HEAD.pack_into(self.memory, 0, count + 1, len(report))

    def read(self) -> tuple[float, str] | None:
        """The newest report, unless it was read before."""
        count, length = HEAD.unpack_from(self.memory)
        if count == self._seen or not 0 < length <= SIZE - HEAD.size:
            return None
        try:
            done, message = pydantic_core.from_json(self.memory[HEAD.size : HEAD.size + length])
            report = min(max(0.0, float(done)), 1.0), str(message)[:LONGEST]
        except (ValueError, TypeError):
            return None
        self._seen = count
        return report

    def close(self) -> None:
        self.memory.close()
        os.close(self.file)
