"""Log lines: one event a line, JSON for machines and plain for a terminal, never a secret."""

import logging
import sys
from typing import Any

import structlog


def _one_line(_: Any, __: str, event: Any) -> Any:
    """Words from events cannot begin a line of their own."""
    return {
        key: value.encode("unicode_escape").decode("ascii") if isinstance(value, str) and not value.isprintable() else value
        for key, value in event.items()
    }


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Set up logging for the process; to standard error, so that printed answers stay clean."""
    plain = sys.stderr.isatty() if terminal is None else terminal
    shown: Any = structlog.dev.ConsoleRenderer(colors=plain) if plain else structlog.processors.JSONRenderer()
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
