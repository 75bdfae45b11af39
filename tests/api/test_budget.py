"""Reads get their share of the time and no more (N10), on a clock of our own."""

import asyncio
from collections.abc import Generator

import pytest

from mvchain.api.budget import MAX_LONG_READS, REQUEST_OVERHEAD_S, TURN_S, ReadBudget
from mvchain.core.errors import BadRequest


class Clock:
    """Time that passes only when somebody works or sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


async def read(budget: ReadBudget, clock: Clock, work_s: float) -> None:
    await budget.admit()
    with budget.charge():
        clock.now_s += work_s


@pytest.mark.parametrize("work_s", [0.001, 0.01, 0.1])
async def test_reads_one_after_another_take_their_share(work_s: float) -> None:
    clock = Clock()
    budget = ReadBudget(0.3, 10.0, clock, clock.sleep)
    started = clock.now_s
    for _ in range(50):
        await read(budget, clock, work_s)
    await budget.admit()
    taken = 50 * (work_s + REQUEST_OVERHEAD_S)
    assert taken / (clock.now_s - started) == pytest.approx(0.3)


async def test_a_read_after_a_pause_does_not_wait() -> None:
    clock = Clock()
    budget = ReadBudget(0.3, 0.0, clock, clock.sleep)
    for _ in range(10):
        before = clock.now_s
        await budget.admit()
        assert clock.now_s == before
        with budget.charge():
            clock.now_s += 0.03
        clock.now_s += 0.1


async def test_a_pause_saves_nothing_up() -> None:
    clock = Clock()
    budget = ReadBudget(0.5, 10.0, clock, clock.sleep)
    clock.now_s += 3_600
    await read(budget, clock, 1.0)
    before = clock.now_s
    await budget.admit()
    # 1 s of work at half of the time: 1 s of rest follows.
    assert clock.now_s - before == pytest.approx(1.0, abs=0.001)


async def test_a_read_that_would_wait_too_long_is_refused_with_the_time() -> None:
    clock = Clock()
    budget = ReadBudget(0.25, 0.5, clock, clock.sleep)
    await read(budget, clock, 1.0)
    with pytest.raises(BadRequest) as caught:
        await budget.admit()
    assert caught.value.code == "MV-6016"
    # 1 s of work at a quarter is paid off after 4 s, of which 3 are left.
    assert caught.value.data["retry_after_s"] == 4  # 3.0004 s, rounded up
    clock.now_s += 3.1
    await budget.admit()


async def test_those_who_wait_are_let_through_in_order_until_it_takes_too_long() -> None:
    clock = Clock()
    budget = ReadBudget(0.5, 0.35, clock, clock.sleep)
    order: list[int] = []

    async def reader(number: int) -> None:
        await budget.admit()
        with budget.charge():
            clock.now_s += 0.1
            order.append(number)

    await read(budget, clock, 0.1)
    results = await asyncio.gather(*(reader(number) for number in range(5)), return_exceptions=True)
    # Each takes 0.2 s with its rest: the first waits 0.1 s, the second 0.3 s, the third would wait 0.5 s.
    assert order == [0, 1]
    assert [isinstance(result, BadRequest) for result in results] == [False, False, True, True, True]


async def test_an_error_in_a_read_is_charged_too() -> None:
    clock = Clock()
    budget = ReadBudget(0.5, 0.0, clock, clock.sleep)

    def fail() -> None:
        with budget.charge():
            clock.now_s += 1
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    with pytest.raises(BadRequest):
        await budget.admit()


async def test_a_patient_read_waits_as_long_as_it_takes() -> None:
    clock = Clock()
    budget = ReadBudget(0.1, 0.5, clock, clock.sleep)
    started = clock.now_s
    await read(budget, clock, 10.0)
    with pytest.raises(BadRequest):
        await budget.admit()
    await budget.admit(patient=True)
    assert clock.now_s - started == pytest.approx((10.0 + REQUEST_OVERHEAD_S) / 0.1)


async def test_a_long_read_goes_on_in_turns_between_which_others_read() -> None:
    clock = Clock()
    budget = ReadBudget(0.1, 100.0, clock, clock.sleep)
    done: list[str] = []

    def long_read() -> Generator[None, None, str]:
        for part in range(4):
            clock.now_s += 2 * TURN_S
            done.append(f"part {part}")
            yield
        return "result"

    async def short_read() -> None:
        await read(budget, clock, 0.0)
        done.append("other")

    results = await asyncio.gather(budget.run(long_read()), short_read())
    assert results[0] == "result"
    assert [each for each in done if each != "other"] == [f"part {part}" for part in range(4)]
    assert 0 < done.index("other") < 4


async def test_the_turns_of_a_read_are_charged_as_one_request() -> None:
    clock = Clock()
    budget = ReadBudget(0.1, 100.0, clock, clock.sleep)
    started = clock.now_s

    def long_read() -> Generator[None, None, None]:
        for _ in range(10):
            clock.now_s += 2 * TURN_S
            yield

    await budget.run(long_read())
    await budget.admit()
    assert clock.now_s - started == pytest.approx((20 * TURN_S + REQUEST_OVERHEAD_S) / 0.1)


async def test_short_steps_share_a_turn() -> None:
    clock = Clock()
    budget = ReadBudget(0.1, 0.0, clock, clock.sleep)
    started = clock.now_s

    def many_steps() -> Generator[None, None, int]:
        for _ in range(1_000):
            clock.now_s += TURN_S / 2_000
            yield
        return 7

    assert await budget.run(many_steps()) == 7
    assert clock.now_s - started == pytest.approx(TURN_S / 2)


async def test_a_read_that_was_begun_is_not_refused() -> None:
    clock = Clock()
    budget = ReadBudget(0.1, 0.01, clock, clock.sleep)

    def long_read() -> Generator[None, None, str]:
        for _ in range(3):
            clock.now_s += 1.0
            yield
        return "whole"

    assert await budget.run(long_read()) == "whole"
    await read(budget, clock, 1.0)
    with pytest.raises(BadRequest):
        await budget.run(long_read())


async def test_what_is_taken_without_waiting_is_paid_for_by_reads() -> None:
    """It adds to what is owed already: the next read waits for both."""
    clock = Clock()
    budget = ReadBudget(0.1, 100.0, clock, clock.sleep)
    started = clock.now_s
    await read(budget, clock, 1.0)
    with budget.charge():
        clock.now_s += 1.0
    await budget.admit()
    assert clock.now_s - started == pytest.approx(2 * (1.0 + REQUEST_OVERHEAD_S) / 0.1)


async def test_few_long_reads_at_a_time() -> None:
    clock = Clock()
    budget = ReadBudget(0.5, 1_000.0, clock, clock.sleep)

    def long_read() -> Generator[None, None, None]:
        for _ in range(50):
            clock.now_s += 2 * TURN_S
            yield

    reads = [budget.run(long_read()) for _ in range(MAX_LONG_READS + 5)]
    results = await asyncio.gather(*reads, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BadRequest)]
    assert [error.code for error in refused] == ["MV-6016"] * 5
    assert results.count(None) == MAX_LONG_READS
    # What ended gives its place back.
    await budget.run(long_read())
