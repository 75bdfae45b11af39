"""What a checker raises."""


class Violation(AssertionError):
    """An invariant of faults section 1 does not hold.

    Args:
        invariant: "I1" to "I8".
    """

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
