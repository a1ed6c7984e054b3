"""What is wrong with a job file, in words that can be sent."""

from core.errors import CoreError

MAX_PROBLEM = 600  # characters: it may quote what stands in the file


class JobFileError(CoreError):
    """A file in the jobs package does not define a job; `trace` is for the log, and says where it failed."""

    def __init__(self, module: str, problem: str, trace: str = "") -> None:
        self.problem = _unicode(problem if len(problem) <= MAX_PROBLEM else problem[:MAX_PROBLEM] + "...")
        self.trace = _unicode(trace)
        super().__init__(_unicode(f"{module}: ") + self.problem)


def _unicode(text: str) -> str:
    """Text that can be sent: a job's author may have put half of a surrogate pair into it."""
    return text.encode(errors="replace").decode()
