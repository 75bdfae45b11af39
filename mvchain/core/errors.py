"""The error tree: one root, families by culprit, a stable code on every leaf.

`Cause` is one row of the code tables in `mvchain.core.codes`: a stable id (`MV-1203`), what happened as a
template over the error's data, and what to do about it. An error is raised as

    raise BadTransaction(codes.NOT_ON_ROLL, poll=3, roll=1)

and carries the row and the data, so that the API, the log and the CLI show the same code, cause and remedy.

| family | culprit | what follows |
|---|---|---|
| BadTransaction | the submitter | refused with its code; never stops the node |
| BadPeer | a connection or its behaviour | costs the peer |
| BadRequest | the caller of the API | an RFC 9457 answer |
| BadProof | whoever made a receipt, header or proof | the claim is not believed |
| BadConfiguration | the operator | at start, all faults at once |
| BrokenStorage | the disk | the node stops, cleanly |
| AssertionError | ourselves | stops loudly; never caught |
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the code tables."""

    code: str
    """Stable identifier, `MV-` and four digits; never reused for another meaning."""

    title: str
    """What happened, as a sentence; `{name}` is filled from the error's data."""

    remedy: str
    """What the culprit can do about it, as a sentence; `{name}` likewise."""


class MvchainError(Exception):
    """Root of all errors that are not bugs. `data` holds the offending values by name; never a secret."""

    def __init__(self, cause: Cause, **data: object) -> None:
        super().__init__(cause, data)
        self.cause = cause
        self.data = data

    @property
    def code(self) -> str:
        """The stable code, as `MV-1203`."""
        return self.cause.code

    @property
    def detail(self) -> str:
        """What happened, with the offending values filled in."""
        return self.cause.title.format(**self.data)

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.cause.remedy.format(**self.data)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail} {self.remedy}"


class BadTransaction(MvchainError):
    """A transaction breaks a rule; the submitter has to change it."""


class BadPeer(MvchainError):
    """A peer sent something that no honest node sends; costs it the connection."""


class BadRequest(MvchainError):
    """A request to the API cannot be answered as it stands."""


class BadProof(MvchainError):
    """A receipt, header, commit or proof does not hold."""


class BadConfiguration(MvchainError):
    """A file or setting of the operator is wrong."""


class BrokenStorage(MvchainError):
    """The disk lost, damaged or refused data; the node stops rather than guess."""
