"""What AWS says when it refuses, in sentences for the people who use the front."""

from front.errors import InstanceError

# code -> (what happened and what to do, seconds after which trying again makes sense)
SENTENCES: dict[str, tuple[str, float | None]] = {
    "IncorrectInstanceState": ("The core's machine is just starting or stopping. Try again in a minute.", 3),
    "InsufficientInstanceCapacity": ("AWS has no free machine of the core's kind at the moment.", 30),
    "RequestLimitExceeded": ("AWS gets too many requests from this account at the moment.", 10),
    "UnauthorizedOperation": ("The front is not allowed to do this with the core's machine. Ask an admin.", None),
}
UNKNOWN = "AWS answered with an error ({code}). Ask an admin."


def explain(code: str, detail: str) -> InstanceError:
    sentence, retry_after = SENTENCES.get(code, (UNKNOWN.format(code=code), None))
    return InstanceError(sentence, code=code, detail=detail, retry_after=retry_after)
