"""The size of a benchmark run."""

from dataclasses import dataclass

from tests.benchmarks.lineup import BARE, OURS, Contestant


@dataclass(frozen=True)
class Size:
    turns: int = 3  # contestants alternate (A B A B A B), so that noise on the machine affects all of them
    seconds: float = 5  # the length of each load
    samples: int = 40
    batch: int = 1000
    records: int = 100_000
    file_mb: int = 200
    pages: tuple[int, ...] = (1, 20)  # how many browser pages are open
    sleepers: int = 64
    all_of_them: bool = True

    def who(self, *contestants: Contestant) -> list[Contestant]:
        """Return those that are installed; at toy size, only okosu and the bare route."""
        return [one for one in contestants if not one.missing() and (self.all_of_them or one in (OURS, BARE))]


TOY = Size(turns=1, seconds=1, samples=2, batch=20, records=500, file_mb=5, pages=(1, 2), sleepers=4, all_of_them=False)
