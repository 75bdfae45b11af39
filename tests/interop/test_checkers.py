"""mvchain.interop.checkers: built once, whole or not at all; with tools that are stand-ins."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, Cause
from mvchain.interop.checkers import COMETBFT, TENDERMINT_RS, Checker, cache_directory, provide

GO = """#!/bin/sh
echo "go $*" >> "$(dirname "$0")/calls"
[ -e "$(dirname "$0")/broken" ] && echo "it is broken" && exit 1
mkdir -p "$GOBIN"
printf '#!/bin/sh\\necho 0.38.25\\n' > "$GOBIN/cometbft"
chmod +x "$GOBIN/cometbft"
"""
CARGO = """#!/bin/sh
echo "cargo $*" >> "$(dirname "$0")/calls"
for last; do :; done
mkdir -p "$last/bin"
printf '#!/bin/sh\\necho tendermint-light-client-cli 0.41.0\\n' > "$last/bin/tendermint-light-client-cli"
chmod +x "$last/bin/tendermint-light-client-cli"
"""


class Tools:
    """A directory with stand-ins for go and cargo, first on the path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cache = directory / "cache"
        self.said: list[str] = []

    def calls(self) -> list[str]:
        file = self.directory / "calls"
        return file.read_text().splitlines() if file.exists() else []

    async def provide(self, checker: Checker) -> Path:
        return await provide(checker, self.cache, self.said.append)

    async def refused(self, checker: Checker, cause: Cause) -> BadConfiguration:
        with pytest.raises(BadConfiguration) as caught:
            await self.provide(checker)
        assert caught.value.cause is cause
        assert str(caught.value)
        return caught.value


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    for name, script in (("go", GO), ("cargo", CARGO)):
        file = tmp_path / name
        file.write_text(script)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Tools(tmp_path)


async def test_a_verifier_is_built_once(tools: Tools) -> None:
    first = await tools.provide(COMETBFT)
    assert first == tools.cache / "cometbft-0.38.25" / "bin" / "cometbft"
    assert await tools.provide(COMETBFT) == first
    assert tools.calls() == ["go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.25"]
    assert len(tools.said) == 1
    # Nothing of the building is left.
    assert sorted(path.name for path in tools.cache.iterdir()) == ["cometbft-0.38.25", "cometbft-0.38.25.log"]


async def test_cargo_builds_what_its_own_lock_file_says(tools: Tools) -> None:
    binary = await tools.provide(TENDERMINT_RS)
    assert binary == tools.cache / "tendermint-light-client-cli-0.41.0" / "bin" / "tendermint-light-client-cli"
    (call,) = tools.calls()
    assert call.startswith("cargo install tendermint-light-client-cli --version 0.41.0 --locked --root ")


async def test_a_missing_tool_is_named(tools: Tools) -> None:
    (tools.directory / "go").unlink()
    error = await tools.refused(replace(COMETBFT, tool="go-of-nobody"), codes.INTEROP_TOOL_MISSING)
    assert "go-of-nobody" in error.detail
    assert not tools.cache.exists()


async def test_a_tool_is_not_needed_for_what_is_there(tools: Tools) -> None:
    await tools.provide(COMETBFT)
    await tools.provide(replace(COMETBFT, tool="go-of-nobody"))


async def test_a_failed_build_leaves_nothing(tools: Tools) -> None:
    (tools.directory / "broken").touch()
    error = await tools.refused(COMETBFT, codes.INTEROP_INSTALL)
    assert "exit status 1" in error.detail
    (left,) = tools.cache.iterdir()
    assert str(left) in error.remedy
    assert left.read_text() == "it is broken\n"


async def test_another_version_in_its_place_is_found_out(tools: Tools) -> None:
    binary = await tools.provide(COMETBFT)
    binary.write_text("#!/bin/sh\necho 0.38.2\n")
    assert "another version" in (await tools.refused(COMETBFT, codes.INTEROP_INSTALL)).detail
    binary.write_text("not a program")
    await tools.refused(COMETBFT, codes.INTEROP_INSTALL)


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_CACHE_HOME": "/var/cache"}, Path("/var/cache/mvchain-interop")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/mvchain-interop"),
        ({"XDG_CACHE_HOME": ""}, Path.home() / ".cache/mvchain-interop"),
        ({}, Path.home() / ".cache/mvchain-interop"),
    ],
)
def test_the_cache_is_where_caches_are(environment: dict[str, str], place: Path) -> None:
    assert cache_directory(environment) == place
