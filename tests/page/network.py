"""A network on which polls of every kind and in every state are held, for tests of the pages in a browser.

Every ballot is known, so what a page has to show follows by arithmetic. Nothing happens on it once it is set up,
but for the blocks that its heartbeat makes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from mvchain.api.client import Client
from mvchain.api.operator import await_committed, submit_in_order
from mvchain.core import merkle
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber
from mvchain.ledger.admission import AdminPayload
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.keyspace import roll_item
from mvchain.ledger.poll_json import definition_from_json
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import (
    Ballot,
    OperatorRegister,
    PollClose,
    PollPause,
    PollRegister,
    PollVoid,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    make_transaction,
)
from mvchain.localnet import Localnet, make_localnet

BICYCLE, BUDGET, SURVEY, LARGE, OPEN, LIVE, PAUSED, VOID, REGISTERED = map(PollNumber, range(1, 10))
"""The polls, each with the roll of the same number. The first four have results; REGISTERED is of agency 2."""
ENDED: Final = (BICYCLE, BUDGET, SURVEY, LARGE)
NODES: Final = 4
DAY_MS: Final = 86_400_000
DEADLINE_S: Final = 30.0

HOSTILE: Final = "<img src=x onerror=\"document.title='owned'\"> \u202egnp.exe <script>owned=1</script>"
"""Markup that runs something where a page takes it for markup, and a mark that turns the text after it around."""
LARGE_OPTIONS: Final = 300

Answers = tuple[object, ...]


def voter(poll: int, number: int) -> SigningKey:
    """Voter `number`, from 0, of the roll with the poll's number."""
    return SigningKey.from_seed(sha256(b"page voter %d of %d" % (number, poll)))


@dataclass(frozen=True, slots=True)
class Held:
    """One poll, who may take part, and what was cast, voter by voter: each ballot replaces the one before it."""

    definition: dict[str, Any]
    """As `poll_json` has it, without roll and times."""
    voters: int
    ballots: Sequence[Sequence[Answers]] = ()
    """Of the first voters."""
    weights: Sequence[int] = ()
    """Of the voters; 1 each where there are none."""
    agency: int = 1


def _texts(ko: str, en: str) -> dict[str, str]:
    return {"ko": ko, "en": en}


def _option(name: str, ko: str, en: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "title": _texts(ko, en), **more}


def _question(kind: str, ko: str, en: str, options: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"type": kind, "title": _texts(ko, en), "options": options, "blank_allowed": True, **more}


def _poll(ko: str, en: str, *questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    common = {"revote": False, "release": "after_closing", "approvals": 1, "grace_ms": 0}
    return {"title": _texts(ko, en), "questions": list(questions), **common, **more}


_BICYCLES = [
    _option("ttareungi", "따릉이", "Ttareungi"),
    _option("baram", "바람", "Baram", description=_texts("바람처럼 빠르게", "As fast as the wind")),
    _option("ssingssing", "씽씽이", "Ssingssing"),
]
_PROJECTS = [
    _option("park", "마을 공원 정비", "Neighbourhood park", cost=120_000_000, group="green"),
    _option("trees", "가로수 심기", "Street trees", cost=40_000_000, group="green"),
    _option("lamps", "골목 가로등", "Street lamps", cost=75_000_000, group="safety"),
    _option("crossing", "어린이 보호구역 횡단보도", "School crossings", cost=90_000_000, group="safety"),
    _option("library", "작은 도서관", "Small library", cost=200_000_000, group="culture"),
]
_PLACES = [
    _option("river", "한강", "Han River"),
    _option("mountain", "남산", "Namsan"),
    _option("forest", "서울숲", "Seoul Forest"),
]
_SERVICES = [
    _option("speed", "처리 속도", "Speed"),
    _option("kindness", "친절", "Kindness"),
]

POLLS: Final[Mapping[PollNumber, Held]] = {
    BICYCLE: Held(
        _poll(
            "소형 따릉이 이름 정하기",
            "A name for the small bicycle",
            _question("single", "새 이름으로 무엇이 좋습니까?", "Which name is best?", _BICYCLES),
            description=_texts("2세대 소형 자전거의 이름을 정합니다.", "The second small bicycle needs a name."),
            revote=True,
            min_turnout=10,
        ),
        voters=20,
        # Voter 1 changed to 0, voter 8 from 2 to blank: 5, 4, 2 and a blank are left of 14 ballots.
        ballots=[[(0,)], [(1,), (0,)], *[[(0,)]] * 3, *[[(1,)]] * 3, [(2,), (None,)], [(1,)], [(2,)], [(2,)]],
    ),
    BUDGET: Held(
        _poll(
            "주민참여예산 사업 선정",
            "Participatory budget",
            _question(
                "approval",
                "추진할 사업을 고르세요.",
                "Choose the projects.",
                _PROJECTS,
                rule={
                    "min": 1,
                    "max": 3,
                    "max_cost": 300_000_000,
                    "quotas": [{"group": "green", "min": 0, "max": 1}],
                },
            ),
            tie_rule="by_lot",
        ),
        voters=10,
        ballots=[[((0, 2),)], [((0, 3),)], [((1, 2, 3),)], [((2,),)], [((2, 4),)], [((3,),)], [(None,)]],
    ),
    SURVEY: Held(
        _poll(
            "여가와 민원 서비스 조사",
            "Leisure and services",
            _question(
                "ranked",
                "좋아하는 순서대로",
                "In order of preference",
                _PLACES,
                rule={"min": 1, "max": 3, "weights": [3, 2, 1]},
            ),
            _question(
                "points",
                "10점을 나누어 주세요",
                "Spread ten points",
                _PLACES,
                rule={"option_cap": 8, "min_sum": 1, "max_sum": 10},
            ),
            _question("score", "만족하십니까?", "Are you satisfied?", _SERVICES, rule={"max_mark": 5}),
        ),
        voters=4,
        weights=(1, 3, 1, 1),
        ballots=[
            [((0, 1, 2), ((0, 6), (1, 4)), (5, 3))],
            [((1,), ((2, 8),), (4, None))],
            [((2, 0), ((0, 1), (1, 1), (2, 1)), (0, 1))],
        ],
    ),
    LARGE: Held(
        _poll(
            "큰 예산 투표",
            "A large budget",
            _question(
                "approval",
                "사업을 고르세요",
                "Choose projects",
                [
                    _option(f"p{n}", f"사업 {n}", f"Project {n}", cost=1_000_000 * n)
                    for n in range(1, LARGE_OPTIONS + 1)
                ],
                rule={"min": 1, "max": 5},
            ),
        ),
        voters=6,
        ballots=[[((0, 1, 299),)], [((1, 299),)], [((299,),)]],
    ),
    OPEN: Held(
        _poll(
            HOSTILE,
            HOSTILE,
            _question("single", HOSTILE, HOSTILE, [_option("a", HOSTILE, HOSTILE), _option("b", "보통", "Plain")]),
            description=_texts(HOSTILE, HOSTILE),
            revote=True,
        ),
        voters=8,
        # Five voters, seven ballots. The totals, 4 and 1, are not released.
        ballots=[[(0,)], [(1,), (0,)], [(0,), (1,)], [(0,)], [(0,)]],
    ),
    LIVE: Held(
        _poll(
            "학교 가왕 투표",
            "School singing contest",
            _question("single", "최고의 무대는?", "Best performance?", _PLACES),
            release="live",
        ),
        voters=5,
        ballots=[[(2,)], [(2,)], [(0,)]],
    ),
    PAUSED: Held(_poll("회장 투표", "President", _question("single", "회장은?", "Who?", _PLACES)), voters=3),
    VOID: Held(_poll("잘못 낸 투표", "A mistaken poll", _question("single", "무엇?", "What?", _PLACES)), voters=3),
    REGISTERED: Held(
        _poll("강남구 만족도 조사", "Gangnam satisfaction", _question("single", "만족?", "Satisfied?", _PLACES)),
        voters=3,
        agency=2,
    ),
}


@dataclass
class Network:
    """The network with its polls held."""

    localnet: Localnet
    client: Client
    """Talks to node 1."""
    definitions: dict[PollNumber, PollDefinition] = field(default_factory=dict)
    ballots: dict[PollNumber, list[Hash]] = field(default_factory=dict)
    """Hashes of the ballots in blocks: of the first of each voter, then of the second of those who changed theirs."""

    @property
    def genesis(self) -> Genesis:
        """The chain's."""
        return self.localnet.genesis

    @property
    def url(self) -> str:
        """Of node 1."""
        return self.localnet.api_url(1)

    @property
    def urls(self) -> frozenset[str]:
        """Of all nodes."""
        return frozenset(map(self.localnet.api_url, self.localnet.numbers))

    async def get(self, path: str) -> dict[str, Any]:
        """What node 1 answers."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            assert response.status == 200, (path, response.status)
            found: dict[str, Any] = await response.json()
            return found

    async def act(self, agency: int, purpose: str, *payloads: "partial[AdminPayload]") -> None:
        """Let acts of an agency's key take effect, one after the other; each wants its sequence only."""
        key = self.localnet.key(agency, purpose)
        sequence = int(str((await self.client.signer(key.tagged))["sequence"]))
        raws = [
            make_transaction(payload(sequence + place), key, self.genesis.hash)
            for place, payload in enumerate(payloads, 1)
        ]
        await submit_in_order(self.client, raws)
        await await_committed(self.client, Hash(sha256(raws[-1])))

    async def until(self, poll: PollNumber, *states: str) -> None:
        """Return once the poll is in one of these states."""
        async with asyncio.timeout(DEADLINE_S):
            while (await self.client.poll(poll))["state"] not in states:  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def hold_polls(directory: Path) -> AsyncIterator[Network]:
    """The network, running until the end."""
    make_localnet(directory, NODES)
    localnet = Localnet(directory)
    async with localnet:
        await localnet.wait_ready()
        async with Client(localnet.api_url(1)) as client:
            network = Network(localnet, client)
            await _register_operators(network)
            await _make_rolls_and_polls(network)
            await _cast(network)
            await network.act(
                1,
                "operator",
                *(partial(PollClose, poll=poll, reason="all ballots are in") for poll in ENDED),
                partial(PollPause, poll=PAUSED, reason="a question"),
                partial(PollVoid, poll=VOID, reason="a wrong question"),
            )
            for poll in ENDED:
                await network.until(poll, "final")
            yield network


async def _register_operators(network: Network) -> None:
    for agency in (1, 2):
        key = network.localnet.key(agency, "operator")
        proof = registration_proof(key, network.genesis.hash, AgencyNumber(agency), Role.OPERATOR)
        await network.act(agency, "agency", partial(OperatorRegister, key=key.tagged, proof=proof))


async def _make_rolls_and_polls(network: Network) -> None:
    for agency in (1, 2):
        acts: list[partial[AdminPayload]] = []
        for number, held in POLLS.items():
            if held.agency == agency:
                network.definitions[number] = _definition(network, number, held)
                acts += _acts(RollNumber(number), held, network.definitions[number])
        await network.act(agency, "operator", *acts)
    for number in POLLS:
        if number != REGISTERED:
            await network.until(number, "open")


def _definition(network: Network, number: PollNumber, held: Held) -> PollDefinition:
    begun = network.genesis.genesis_time_ms
    opens = begun + DAY_MS if number == REGISTERED else begun
    times = {"opens_at_ms": opens, "closes_at_ms": opens + DAY_MS}
    return definition_from_json(held.definition | times | {"roll": number, "agency": held.agency})


def _acts(roll: RollNumber, held: Held, definition: PollDefinition) -> list["partial[AdminPayload]"]:
    weights = held.weights or (1,) * held.voters
    entries = sorted((voter(roll, place).tagged, weight) for place, weight in enumerate(weights))
    root = merkle.root([roll_item(key, weight) for key, weight in entries])
    given = tuple(weight for _, weight in entries) if held.weights else ()
    return [
        partial(RollCreate, title=f"명부 {roll}"),
        partial(RollAppend, roll=roll, keys=b"".join(key for key, _ in entries), weights=given),
        partial(RollSeal, roll=roll, root=root, size=held.voters),
        partial(PollRegister, poll=PollNumber(0), definition=encode_definition(definition)),
    ]


async def _cast(network: Network) -> None:
    """The first ballots of all voters, then the second ones, which must follow them."""
    for revision in (0, 1):
        raws = []
        for poll, held in POLLS.items():
            context = definition_hash(encode_definition(network.definitions[poll]))
            for number, answers in enumerate(held.ballots):
                if revision < len(answers):
                    ballot = Ballot(poll, revision, answers[revision])
                    raw = make_transaction(ballot, voter(poll, number), network.genesis.hash, context)
                    raws.append(raw)
                    network.ballots.setdefault(poll, []).append(sha256(raw))
        await submit_in_order(network.client, raws)
        await asyncio.gather(*(await_committed(network.client, sha256(raw)) for raw in raws))
