"""Whether the clients refuse lies: a verifier that finds no fault in ours says little before it has found others'."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mvchain.interop.checkers import COMETBFT, TENDERMINT_RS, Trust
from mvchain.interop.cometbft import light_proxy
from mvchain.interop.liar import Liar
from mvchain.interop.lies import Lie, Lies
from mvchain.interop.outcome import Outcome
from mvchain.interop.questions import Question, of_block, of_record, of_transaction
from mvchain.interop.rpc import Rpc
from mvchain.interop.survey import BlockFacts
from mvchain.interop.tendermint_rs import LightClient, fault_of

DATA_LIES: Final = "lies about data refused"
HEADER_LIES: Final = "lies about headers refused"
TRUTH: Final = "the truth taken from the liar"


class Controls:
    """Tells lies about one block, which has several transactions and a nil precommit in its commit.

    Args:
        honest: the URL of a node that tells the truth.
    """

    def __init__(self, liar: Liar, honest: str, about: BlockFacts, lies: Lies) -> None:
        self._liar = liar
        self._honest = honest
        self._about = about
        self._data_lies = lies.data
        # Without an honest node to turn to, the client has to refuse.
        self._header_lies = [(lie, liar.url) for lie in lies.header] + [(lies.conspiracy, honest)]

    async def cometbft(self, binary: Path, trust: Trust, directory: Path) -> list[Outcome]:
        """A proxy for all lies about data; a new one for each about headers, since it keeps what it took for true.

        Args:
            directory: for databases and logs.
        """
        async with light_proxy(binary, trust, self._liar.url, self._honest, directory / "data-lies") as proxy:
            data = [await self._ask(proxy, lie, self._question(lie.method)) for lie in self._data_lies]
            self._liar.begin(None)
            truth = [await self._ask_truth(proxy, self._question(lie.method)) for lie in self._data_lies]
        headers = []
        for number, (lie, witness) in enumerate(self._header_lies, 1):
            place = directory / f"header-lie-{number}"
            self._liar.begin(None)
            async with light_proxy(binary, trust, self._liar.url, witness, place) as proxy:
                headers.append(await self._ask(proxy, lie, self._question("commit")))
        return [
            Outcome(COMETBFT, DATA_LIES, len(data), _those(data)),
            Outcome(COMETBFT, HEADER_LIES, len(headers), _those(headers)),
            Outcome(COMETBFT, TRUTH, len(truth), _those(truth)),
        ]

    async def tendermint_rs(self, client: LightClient) -> list[Outcome]:
        """A run for each lie about headers, which are all it asks for, and one for the truth."""
        faults = []
        for lie, witness in self._header_lies:
            self._liar.begin(lie)
            ended = await client.verify(self._liar.url, witness, self._about.height)
            refusal = None if fault_of(ended, self._about.height) is None else ended.output
            faults.append(judge(lie.title, refusal, lie.refusal_rs, self._liar.told))
        self._liar.begin(None)
        truth = await client.verify_all(self._liar.url, self._honest, [self._about.height], TRUTH)
        return [Outcome(TENDERMINT_RS, HEADER_LIES, len(faults), _those(faults)), truth]

    async def _ask(self, proxy: Rpc, lie: Lie, question: Question) -> str | None:
        self._liar.begin(lie)
        answer = await proxy.ask(question.method, question.params)
        return judge(lie.title, answer.error, lie.refusal, self._liar.told)

    @staticmethod
    async def _ask_truth(proxy: Rpc, question: Question) -> str | None:
        answer = await proxy.ask(question.method, question.params)
        return answer.error and f"it does not take the truth about {question.method}: {answer.error}"

    def _question(self, method: str) -> Question:
        """One that makes the client ask its primary by this method about the block."""
        about = self._about
        height = str(about.height)
        by_hash = {question.method: question for question in of_block(about)}
        special = by_hash | {
            "tx": of_transaction(about.tx_hashes[len(about.tx_hashes) // 2]),
            "abci_query": of_record("polls", 1),
            "blockchain": Question("blockchain", {"minHeight": height, "maxHeight": height}),
        }
        return special.get(method, Question(method, {"height": height}))


def judge(title: str, refusal: str | None, expected: str, told: int) -> str | None:
    """What is wrong with how a client met a lie; None if it refused it for the right reason.

    Args:
        refusal: what the client said; None if it refused nothing.
        expected: a regular expression.
        told: how many answers were changed.
    """
    if not told:
        return f"{title}: the lie was never told"
    if refusal is None:
        return f"{title}: taken for the truth"
    if not re.search(expected, refusal, re.IGNORECASE):
        return f"{title}: refused for another reason: {' '.join(refusal.split())[-300:]}"
    return None


def _those(faults: Sequence[str | None]) -> list[str]:
    return [fault for fault in faults if fault]
