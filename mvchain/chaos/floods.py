"""R13: invalid transactions, as many as this machine makes, while valid ones come in at their rate."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Final

from mvchain.chaos.stage import HEIGHTS, Stage
from mvchain.core.errors import MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, PollNumber
from mvchain.demo.elections import POLL, shipped
from mvchain.ledger.transactions import Ballot, make_transaction

BATCH: Final = 100
FLOODERS: Final = 2
"""Of each node, each with one request under way."""
PER_S: Final = 5_000
"""Invalid ones in all; fewer where the machine does not make them."""
MAX_P99_S: Final = 5.0
"""From a valid ballot's first submission to its acknowledgement."""


def invalid(stage: Stage) -> Iterator[bytes]:
    """Strangers' ballots, ballots in no poll, forged signatures, and what is no transaction."""
    stranger, answers = SigningKey.generate(), shipped().answers[0]
    genesis_hash, context = Hash(stage.facts.genesis_hash), Hash(stage.facts.definition_hash)
    for number in count():
        strange = make_transaction(Ballot(POLL, number % 1_000, answers), stranger, genesis_hash, context)
        yield strange
        nowhere = PollNumber(POLL + 1 + number % 1_000)
        yield make_transaction(Ballot(nowhere, 0, answers), stranger, genesis_hash, context)
        yield strange[:-1] + bytes((strange[-1] ^ 1,))
        yield random.randbytes(random.randrange(1, 300))


async def flood(stage: Stage, seconds: float) -> None:
    """R13: for so many seconds; none of them is taken, and valid ballots are acknowledged in time."""
    answers: Counter[str] = Counter()
    batches = [list(batch) for batch, _ in zip(_batches(invalid(stage)), range(50), strict=False)]
    pause_s = BATCH * FLOODERS * len(stage.numbers) / PER_S
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        client = stage.load.client(number)
        while True:
            started = loop.time()
            try:
                submitted = await client.submit(random.choice(batches))
            except MvchainError as error:
                answers[error.code] += BATCH
            else:
                answers.update(item.error.code if item.error else "taken" for item in submitted.items)
            await asyncio.sleep(started + pause_s - loop.time())

    before, acknowledged = await stage.top(), len(stage.load.took_s)
    tasks = [asyncio.create_task(one(number)) for number in stage.numbers for _ in range(FLOODERS)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await stage.reach(before + HEIGHTS, stage.numbers)
    took_s = sorted(stage.load.took_s[acknowledged:])
    p99_s = took_s[len(took_s) * 99 // 100] if took_s else float("inf")
    stage.expect(p99_s <= MAX_P99_S, f"R13: valid ballots were acknowledged in {p99_s:.1f} s at the 99th percentile")
    stage.expect(not answers["taken"], f"R13: {answers['taken']} invalid transactions were taken")
    refused = sum(answers.values())
    stage.note(f"{refused / seconds:,.0f} invalid/s refused, {len(took_s) / seconds:.0f} valid/s, p99 {p99_s:.2f} s")


def _batches(transactions: Iterator[bytes]) -> Iterator[list[bytes]]:
    while True:
        yield [next(transactions) for _ in range(BATCH)]
