"""Light blocks, and whatever else a node's public API has, over its REST interface."""

import re

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadRequest
from mvchain.core.limits import MAX_LIGHT_BLOCK_BYTES
from mvchain.core.types import Height
from mvchain.light.blocks import LightBlock, decode_light_block
from mvchain.light.documents import MAX_HEIGHT
from mvchain.light.transport import Address, Deadline, exchange

MAX_STATUS_BYTES = 4 * 1024
_CODE = re.compile(r"MV-[0-9]{4}", re.ASCII)


class HttpNode:
    """One node, asked over REST. Its answers are nothing but bytes: whoever asked has to verify them."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def light_block(self, height: Height | None) -> LightBlock:
        """The block at this height, or the newest; unverified.

        Raises:
            BadRequest: BLOCK_UNKNOWN if the node has not got it, or why there is no answer.
            BadProof: the answer is no light block.
        """
        deadline = Deadline()
        wanted = self._newest(deadline) if height is None else height
        return decode_light_block(self.get(f"/v1/light_blocks/{wanted}", MAX_LIGHT_BLOCK_BYTES, deadline=deadline))

    def get(self, path: str, max_bytes: int, accept: str | None = None, *, deadline: Deadline | None = None) -> bytes:
        """The body of a good answer.

        Raises:
            BadRequest: BLOCK_UNKNOWN where the node says so of a block, NODE_REFUSED for other refusals, or why there
                is no answer.
        """
        status, body = exchange(self._address, "GET", path, max_bytes, accept=accept, deadline=deadline)
        if status == 200:
            return body
        code = self._code(body)
        if code == codes.BLOCK_UNKNOWN.code:
            raise BadRequest(codes.BLOCK_UNKNOWN, height=path.rpartition("/")[2])
        raise BadRequest(codes.NODE_REFUSED, url=self._address.url, status=status, code=code or "none")

    def _newest(self, deadline: Deadline) -> int:
        body = self.get("/v1/status", MAX_STATUS_BYTES, deadline=deadline)
        status = strict_json.loads(body, "The answer", max_bytes=MAX_STATUS_BYTES)
        height = status.get("height") if isinstance(status, dict) else None
        if type(height) is not int or not 0 <= height <= MAX_HEIGHT:
            raise BadRequest(codes.ANSWER_MALFORMED, url=self._address.url, why="it names no height")
        if height == 0:
            raise BadRequest(codes.BLOCK_UNKNOWN, height=1)
        return height

    @staticmethod
    def _code(body: bytes) -> str | None:
        """The stable code of a problem document, if it is one."""
        try:
            problem = strict_json.loads(body, "The answer", max_bytes=len(body))
        except BadRequest:
            return None
        code = problem.get("code") if isinstance(problem, dict) else None
        return code if isinstance(code, str) and _CODE.fullmatch(code) else None
