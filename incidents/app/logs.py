"""Log lines: one event a line, JSON for machines and plain for a terminal, never a secret."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict


def _one_line(_: object, __: str, event: EventDict) -> EventDict:
    """Words from events cannot begin a line of their own."""
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Set up logging for the process; to standard error, so that printed answers stay clean."""
    plain = sys.stderr.isatty() if terminal is None else terminal
    shown: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if plain
        else structlog.processors.JSONRenderer()
    )
    traceback: list[Any] = [] if plain else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *traceback,
            *([] if plain else [_one_line]),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
