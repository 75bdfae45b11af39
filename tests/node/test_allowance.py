"""What one peer may ask for in a time."""

from mvchain.node.allowance import ANSWERS_AT_ONCE, ANSWERS_PER_S, Allowance


def test_an_allowance_is_used_up_and_fills_again() -> None:
    allowance = Allowance(1_000)
    assert all(allowance.take(10, 1_000) for _ in range(ANSWERS_AT_ONCE // 10))
    assert not allowance.take(1, 1_000)
    assert not allowance.take(ANSWERS_PER_S + 1, 2_000)
    assert allowance.take(ANSWERS_PER_S, 2_000)
    assert not allowance.take(ANSWERS_AT_ONCE + 1, 1_000_000), "it never holds more than at the start"
    assert allowance.take(ANSWERS_AT_ONCE, 1_000_000)
