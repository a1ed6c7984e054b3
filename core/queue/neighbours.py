"""Whether the workers that are alive on this Redis keep their files where this process does."""

from core.queue.steps import Step

ALIVE = 10.0  # s that a worker counts as alive after it was last heard of


def meet(data_id: str) -> Step[bool]:
    """False if live workers use another folder. Otherwise the caller, a worker, is now one of them for a while."""
    return Step("meet", (data_id, round(ALIVE * 1000)), bool)


def share(data_id: str) -> Step[bool]:
    """The same, for somebody who only wants to know."""
    return Step("meet", (data_id, 0), bool)
