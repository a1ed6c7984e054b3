"""What a run prints: each line goes to the worker's log under the name of its task, up to a limit."""

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)

LIMIT = 1 << 20  # bytes of a run
LINE = 4096


@dataclass
class Output:
    task_id: str
    left: int = LIMIT
    _open: bytes = b""

    def add(self, printed: bytes) -> None:
        """Log each complete line of what was printed; a line without an end becomes several."""
        if not printed or not self.left:
            return
        *lines, self._open = (self._open + printed[: self.left]).split(b"\n")
        while len(self._open) > LINE:
            lines.append(self._open[:LINE])
            self._open = self._open[LINE:]
        for line in lines:
            self._say(line)
        self.left = max(0, self.left - len(printed))
        if not self.left:
            self.close()
            log.warning("Task %s has printed more than %s MB; the rest is not kept.", self.task_id, LIMIT >> 20)

    def close(self) -> None:
        if self._open:
            self._say(self._open)
            self._open = b""

    def _say(self, line: bytes) -> None:
        text = "".join(char if char.isprintable() else " " for char in line[:LINE].decode(errors="replace"))
        log.info("Task %s: %s", self.task_id, text)
