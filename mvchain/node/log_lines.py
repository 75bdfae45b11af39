"""The lines that a node writes about itself: for people, or as JSON for log collectors.

Control characters in what others sent are escaped, so that nobody writes lines of their own (security LOG03).
"""

import json
import logging
import time

from mvchain.node.config import LogSettings


def set_up_logging(settings: LogSettings) -> None:
    """Lines go to standard error, from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter() if settings.format == "json" else _TextFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)


class _TextFormatter(logging.Formatter):
    """One line for people, in UTC."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without control characters."""
        return _escaped(super().formatMessage(record))


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        entry = {
            "time_ms": int(record.created * 1000),
            "level": record.levelname.lower(),
            "where": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _escaped(line: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
