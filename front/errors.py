"""The errors of the front. The text of each is a sentence for the person who reads it."""

from front.records import Hold


class FrontError(Exception):
    """A sentence that says what happened and what to do now."""


class SettingsError(FrontError):
    """A setting is missing or invalid; the sentence names the variable."""


class InstanceError(FrontError):
    """The instance could not be queried, started or stopped. After `retry_after` seconds, a retry makes sense."""

    def __init__(self, sentence: str, *, code: str = "", detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class CoreUnreachable(FrontError):
    """The core did not answer, or something else answered at its address."""


class CoreRefused(FrontError):
    """The core answered with an error."""

    def __init__(self, status: int, detail: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.fields = fields or {}


class Held(CoreRefused):
    """The core was not drained: `holds` names who and what still uses it, and `more` counts tasks beyond those."""

    def __init__(self, status: int, detail: str, holds: list[Hold], more: int = 0) -> None:
        super().__init__(status, detail)
        self.holds, self.more = holds, more
