from mvchain.core.errors import BadTransaction, Cause, MvchainError

CAUSE = Cause("MV-0001", "Poll {poll} has no option {option}.", "Choose one below {count}.")


def test_an_error_says_code_cause_and_remedy_with_its_data() -> None:
    error = BadTransaction(CAUSE, poll=3, option=9, count=4)
    assert isinstance(error, MvchainError)
    assert (error.code, error.detail, error.remedy) == (
        "MV-0001",
        "Poll 3 has no option 9.",
        "Choose one below 4.",
    )
    assert str(error) == "MV-0001: Poll 3 has no option 9. Choose one below 4."


def test_braces_in_the_data_are_shown_as_they_are() -> None:
    assert BadTransaction(CAUSE, poll="{x}", option="{", count="}").detail == "Poll {x} has no option {."
