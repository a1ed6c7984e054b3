"""Answers at once."""

from core.registry import job


@job(title="Echo")
def echo(text: str = "", times: int = 1) -> dict[str, object]:
    """The text, so many times."""
    return {"text": text * times}
