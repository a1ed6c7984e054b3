"""The demand for an item until an order arrives, found by simulation, and the stock that it calls for.

The demand D over a lead time of L days is drawn from the item's own history, without assuming a distribution
(Boylan and Babai 2022, "Estimating the cumulative distribution function of lead-time demand using bootstrapping with
and without replacement", International Journal of Production Economics 252). It is drawn in blocks of consecutive days,
with the first day following the last (Politis and Romano 1992, "A circular block-resampling procedure for stationary
data", in Exploring the Limits of Bootstrap, Wiley): a week of days drawn one by one could hold five Mondays.

For the cycle service level P (Silver, Pyke and Thomas 2017, Inventory and Production Management in Supply Chains, CRC):
reorder point s = the smallest s with Pr(D <= s) >= P; safety stock = s - L x mean daily demand;
expected shortage per cycle = E[max(D - s, 0)].
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1 << 17  # draws at a time: 2 MB of indices and values, no matter how many simulations there are


class Levels(NamedTuple):
    """All figures are in units of the item."""

    reorder_point: float
    safety_stock: float
    shortage_per_cycle: float


@dataclass(frozen=True)
class Simulation:
    """Simulates `times` lead times of `days` days in blocks of `block` days; the same seed gives the same draws."""

    days: int
    block: int
    times: int
    seed: int

    def levels(self, daily: "NDArray[np.float64]", service_level: float, step: Callable[[float], None]) -> Levels:
        """Return what one item needs, given its demand on each day. Takes 8 bytes of memory per simulation."""
        import numpy as np

        demand = self.demand(daily, step)
        point = float(np.quantile(demand, service_level, method="inverted_cdf", overwrite_input=True))
        short = float((demand[demand > point] - point).sum()) / self.times
        return Levels(point, point - self.days * float(daily.mean()), short)

    def demand(self, daily: "NDArray[np.float64]", step: Callable[[float], None]) -> "NDArray[np.float64]":
        """Return the demand over each simulated lead time; call `step` with the share done, from 0 to 1."""
        import numpy as np

        random = np.random.default_rng(self.seed)
        full, rest = divmod(self.days, self.block)
        lengths = [self.block] * full + [rest] * (rest > 0)
        sums = {length: _circular_sums(daily, length) for length in set(lengths)}
        demand = np.zeros(self.times)
        for start in range(0, self.times, CHUNK):
            chunk = demand[start : start + CHUNK]
            for length in lengths:
                chunk += sums[length][random.integers(len(daily), size=len(chunk))]
            step((start + len(chunk)) / self.times)
        return demand


def _circular_sums(daily: "NDArray[np.float64]", length: int) -> "NDArray[np.float64]":
    """Return for each day the demand of the `length` days that begin with it; the first day follows the last."""
    import numpy as np

    return np.convolve(np.resize(daily, len(daily) + length - 1), np.ones(length), mode="valid")
