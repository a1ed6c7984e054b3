"""What Redis says about its own disk."""

from collections.abc import Mapping

from core.queue.steps import Step

# Redis's own names, and what each means for a person if it is not `ok`.
TROUBLE = {
    "aof_last_write_status": "Redis cannot write to its disk, so no task is accepted",
    "aof_last_bgrewrite_status": "Redis could not make its log on the disk smaller, so the disk may soon be full",
}


def persistence() -> Step[str]:
    """`ok`, or a sentence about what Redis could not write."""
    return Step("persistence", (), lambda report: told(_fields(report.decode())))


def told(fields: Mapping[str, str]) -> str:
    problems = [sentence for name, sentence in TROUBLE.items() if fields.get(name, "ok") != "ok"]
    return f"{'; '.join(problems)}. Ask an admin to make room on the disk of Redis." if problems else "ok"


def _fields(report: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in report.splitlines() if ":" in line)
