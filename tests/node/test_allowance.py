"""What one peer may ask for in a time."""

from mvchain.node.allowance import ANSWERS_AT_ONCE, ANSWERS_PER_S, BYTES_PER_ANSWER, Allowance


def test_an_allowance_is_used_up_and_fills_again() -> None:
    allowance = Allowance(1_000)
    assert all(allowance.take(10, 1_000) for _ in range(ANSWERS_AT_ONCE // 10))
    assert not allowance.take(1, 1_000)
    assert not allowance.take(ANSWERS_PER_S + 1, 2_000)
    assert allowance.take(ANSWERS_PER_S, 2_000)
    assert not allowance.take(ANSWERS_AT_ONCE + 1, 1_000_000), "it never holds more than at the start"
    assert allowance.take(ANSWERS_AT_ONCE, 1_000_000)


def test_long_answers_are_paid_for_before_the_next_one() -> None:
    """A full block of 4 MiB counts as 64 answers; one more may be begun with little left, and is then owed."""
    allowance = Allowance(1_000)
    for _ in range(2):
        allowance.charge(64 * BYTES_PER_ANSWER)
    assert allowance.take(ANSWERS_AT_ONCE - 128, 1_000)
    assert not allowance.take(1, 1_000)
    allowance.charge(ANSWERS_PER_S * BYTES_PER_ANSWER)
    assert not allowance.take(1, 2_000)
    assert allowance.take(1, 2_010)
