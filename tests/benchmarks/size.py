"""How large a run of the benchmarks is."""

from dataclasses import dataclass

from tests.benchmarks.lineup import BARE, OURS, Contestant


@dataclass(frozen=True)
class Size:
    turns: int = 3  # A B A B A B: what the machine does meanwhile meets all of them
    seconds: float = 5  # of each load
    samples: int = 40
    batch: int = 1000
    records: int = 100_000
    file_mb: int = 200
    pages: tuple[int, ...] = (1, 20)  # open in browsers
    sleepers: int = 64
    all_of_them: bool = True

    def who(self, *contestants: Contestant) -> list[Contestant]:
        """Those that take part: whoever is installed, or ours and the bare limit alone."""
        return [one for one in contestants if not one.missing() and (self.all_of_them or one in (OURS, BARE))]


TOY = Size(turns=1, seconds=1, samples=2, batch=20, records=500, file_mb=5, pages=(1, 2), sleepers=4, all_of_them=False)
