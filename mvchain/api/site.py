"""A listening socket of this process, with the bounds and deadlines of `api.connection`."""

from aiohttp import http_parser, web

from mvchain.api.connection import Handler, Listener
from mvchain.api.limits import ApiLimits
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

_STOP_S = 2.0
"""How long requests under way may take to end when the site stops."""


class Site:
    """Hands the requests on one address to a handler. TLS is the business of a proxy before it (H14).

    Raises:
        BadConfiguration: the parser of HTTP is missing, for which aiohttp would use a slow one without bounds.
    """

    def __init__(self, handler: Handler, limits: ApiLimits) -> None:
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise BadConfiguration(codes.HTTP_PARSER_MISSING)
        self._handler = handler
        self._limits = limits
        self._listener: Listener | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listens on `host` and `port` (0: any free one); raises BadConfiguration if it cannot."""
        self._listener = Listener(self._handler, self._limits)
        self._runner = web.ServerRunner(self._listener, shutdown_timeout=_STOP_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise BadConfiguration(codes.CANNOT_LISTEN, host=host, port=port, why=error.strerror) from error
        self._listener.start_deadlines()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        assert self._runner is not None, "not started"
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def stop(self) -> None:
        """Takes no more connections, lets requests under way end for a moment, and closes the rest."""
        if self._runner is None or self._listener is None:
            return
        self._listener.stop_deadlines()
        await self._runner.cleanup()
