"""What can go wrong between the front and the core or its instance, each in a sentence for the person who reads it."""

from front.records import Hold


class FrontError(Exception):
    """A sentence that says what happened and what to do now."""


class SettingsError(FrontError):
    """A setting is missing or senseless; the sentence names the variable."""


class InstanceError(FrontError):
    """The instance could not be asked, started or stopped; after `retry_after` seconds another try makes sense."""

    def __init__(self, sentence: str, *, code: str = "", detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class CoreUnreachable(FrontError):
    """Nobody, or somebody else than the core, answered at its address."""


class CoreRefused(FrontError):
    """The core answered, and said no."""

    def __init__(self, status: int, detail: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.fields = fields or {}


class Held(CoreRefused):
    """The core was not drained: `holds` names who and what still uses it, and `more` counts tasks beyond those."""

    def __init__(self, status: int, detail: str, holds: list[Hold], more: int = 0) -> None:
        super().__init__(status, detail)
        self.holds, self.more = holds, more
