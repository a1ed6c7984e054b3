"""The simulation of demand: correct where theory gives the answer, consistent everywhere else."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from core.jobs._lib import lead_time
from core.jobs._lib.lead_time import Levels, Simulation
from tests.core.job_files import ignore


def levels(  # noqa: PLR0913  # a simulation has that many parameters
    daily: object, service: float = 0.95, *, days: int = 7, block: int = 1, times: int = 200_000, seed: int = 3
) -> Levels:
    return Simulation(days, block, times, seed).levels(np.array(daily, dtype=float), service, ignore)


def test_steady_demand_needs_no_safety_stock() -> None:
    assert levels([4] * 30, days=14) == Levels(56, 0, 0)


@pytest.mark.parametrize("days", [7, 14, 28])
def test_a_steady_weekly_pattern_needs_no_safety_stock_if_whole_weeks_are_drawn(days: int) -> None:
    week = [9, 5, 4, 4, 6, 1, 0]
    assert levels(week * 10, days=days, block=7) == pytest.approx((days / 7 * sum(week), 0, 0))
    assert levels(week * 10, days=days, block=1).safety_stock > 5


@pytest.mark.parametrize("service", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize(("days", "share"), [(7, 0.1), (30, 0.1), (14, 0.5), (90, 0.02)])
def test_one_unit_on_some_days_gives_the_binomial_answer(days: int, share: float, service: float) -> None:
    daily = np.zeros(100)
    daily[: round(100 * share)] = 1
    found = levels(daily, service, days=days)
    exact = binom(days, share)
    assert exact.cdf(found.reorder_point) >= service - 0.002
    assert exact.cdf(found.reorder_point - 1) < service + 0.002
    assert found.safety_stock == pytest.approx(found.reorder_point - days * share)
    assert found.shortage_per_cycle == pytest.approx(shortage(exact, found.reorder_point), rel=0.03, abs=0.0015)


def test_poisson_demand_gives_the_poisson_answer() -> None:
    """In this history, each number of units is as frequent as in a Poisson distribution with mean 2.5."""
    counts = np.round(poisson(2.5).pmf(range(16)) * 100_000).astype(int)
    found = levels(np.repeat(np.arange(16), counts), 0.95, days=14)
    exact = poisson(35)
    assert found.reorder_point == exact.ppf(0.95)
    assert found.shortage_per_cycle == pytest.approx(shortage(exact, found.reorder_point), rel=0.03)


def shortage(exact: Any, point: float) -> float:
    """E[max(D - s, 0)], computed as the sum of Pr(D > k) over all k >= s."""
    return float(exact.sf(np.arange(point, point + 300)).sum())


def test_a_service_level_of_95_percent_covers_95_of_100_outcomes() -> None:
    """The days sell 1, 2, ... 100 units. A stock of 95 covers all but five, which are short of 1 to 5 units."""
    found = levels(range(1, 101), 0.95, days=1, times=1_000_000)
    assert found.reorder_point == pytest.approx(95, abs=1)
    assert found.shortage_per_cycle == pytest.approx(0.15, abs=0.06)


HISTORIES = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@settings(max_examples=50)
@given(HISTORIES, st.integers(1, 30), st.integers(1, 28), st.floats(0.5, 0.99))
def test_the_levels_are_consistent_with_each_other(history: list[int], days: int, block: int, service: float) -> None:
    low = levels(history, service, days=days, block=block, times=1_000)
    high = levels(history, min(service + 0.05, 0.999), days=days, block=block, times=1_000)
    assert min(history) * days <= low.reorder_point <= max(history) * days
    assert low.safety_stock == pytest.approx(low.reorder_point - days * np.mean(history))
    assert high.reorder_point >= low.reorder_point
    assert 0 <= high.shortage_per_cycle <= low.shortage_per_cycle


@pytest.mark.parametrize("service", [0.5, 0.9, 0.95, 0.999])
def test_the_reorder_point_is_the_lowest_that_meets_the_service_level(service: float) -> None:
    simulation, daily = Simulation(7, 3, 1_007, 3), np.random.default_rng(9).random(365)
    point, demand = simulation.levels(daily, service, ignore).reorder_point, simulation.demand(daily, ignore)
    assert (demand <= point).mean() >= service
    assert (demand < point).mean() < service


@settings(max_examples=50)
@given(HISTORIES, st.integers(1, 100))
def test_sums_over_the_circle_count_every_day_equally_often(history: list[int], length: int) -> None:
    sums = lead_time._circular_sums(np.array(history, dtype=float), length)
    naive = [sum(history[(start + i) % len(history)] for i in range(length)) for start in range(len(history))]
    assert sums.tolist() == naive


@settings(max_examples=25)
@given(HISTORIES, st.integers(1, 60), st.integers(1, 28))
def test_simulated_demand_equals_past_sales_on_average(history: list[int], days: int, block: int) -> None:
    demand = Simulation(days, block, 20_000, 5).demand(np.array(history, dtype=float), ignore)
    error = demand.std() / 20_000**0.5
    assert abs(demand.mean() - days * np.mean(history)) <= 5 * error + 1e-9


def test_memory_does_not_exceed_that_of_one_items_results() -> None:
    daily = np.arange(365.0)
    tracemalloc.start()
    try:
        Simulation(30, 1, 2_000_000, 1).levels(daily, 0.9, ignore)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000 * 8 * 1.35
