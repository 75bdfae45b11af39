"""mvchain.interop.controls: a lie has to be told, refused, and refused for the right reason."""

import pytest

from mvchain.interop.controls import judge


@pytest.mark.parametrize(
    ("refusal", "told", "fault"),
    [
        ("invalid header: Wrong signature (#2)", 1, None),
        ("invalid header: Wrong signature (#2)", 0, "a lie: the lie was never told"),
        (None, 1, "a lie: taken for the truth"),
        ("connection refused", 2, "a lie: refused for another reason: connection refused"),
        ("", 1, "a lie: refused for another reason: "),
    ],
)
def test_a_lie_has_to_be_refused_for_its_reason(refusal: str | None, told: int, fault: str | None) -> None:
    assert judge("a lie", refusal, r"wrong signature \(#\d\)", told) == fault
