"""What Slack takes at most, checked before it is asked: a refused card is a page that nobody sees."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from incidents.adapters.slack.escape import width

Block = dict[str, Any]

BLOCKS = 50
HEADER = 150
SECTION = 3_000
FIELDS = 10
FIELD = 2_000
BUTTON = 75
ELEMENTS = 25
URL = 3_000
TITLE = 24  # of a modal and of its buttons
TEXT = 4_000  # Slack cuts a message's plain text past 40,000 and asks for no more than this
# Slack refuses a message at about 13,200 characters over all blocks and publishes no figure.
WHOLE = 12_500


def size(blocks: Sequence[Mapping[str, Any]]) -> int:
    """What these blocks weigh together, counted with their frame and so never too low."""
    return width(json.dumps(blocks, ensure_ascii=False))


def excess(blocks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every limit that these blocks break, in words; empty when Slack will take them."""
    found = [f"{len(blocks)} blocks"] if len(blocks) > BLOCKS else []
    if size(blocks) > WHOLE:
        found.append("all blocks together")
    for block in blocks:
        found += [f"{what} of {width(text)} characters" for what, text, limit in _texts(block) if _over(text, limit)]
        found += _crowded(block)
    return tuple(found)


def _texts(block: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Every text of a block with what it is and how long it may be."""
    match block:
        case {"type": "header", "text": text}:
            yield "header", text["text"], HEADER
        case {"type": "section", "text": text}:
            yield "section", text["text"], SECTION
        case {"type": "section", "fields": fields}:
            yield from (("field", field["text"], FIELD) for field in fields)
        case {"type": "actions", "elements": buttons}:
            yield from (("button", button["text"]["text"], BUTTON) for button in buttons)
            yield from (("link", button["url"], URL) for button in buttons if "url" in button)
        case {"type": "context", "elements": texts}:
            yield from (("context", text["text"], SECTION) for text in texts)
        case _:
            yield f"unknown block {block.get('type')}", "", 0


def _crowded(block: Mapping[str, Any]) -> Iterator[str]:
    for part, limit in (("fields", FIELDS), ("elements", ELEMENTS)):
        if len(block.get(part, ())) > limit:
            yield f"{len(block[part])} {part}"


def _over(text: str, limit: int) -> bool:
    return not 0 < width(text) <= limit
