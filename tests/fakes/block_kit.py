"""The published rules of Block Kit, checked from Slack's side; deliberately not the product's own check."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Rule = Callable[[Mapping[str, Any]], Iterator[str]]

BLOCKS_OF_A_MESSAGE = 50
BLOCKS_OF_A_MODAL = 100
ALL_BLOCKS = 13_200


def flaws(blocks: object, *, modal: bool = False) -> list[str]:
    """Everything that Slack would refuse these blocks for."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ["blocks must be a list of objects"]
    found = [flaw for block in blocks for flaw in _block(block, modal=modal)]
    if len(blocks) > (BLOCKS_OF_A_MODAL if modal else BLOCKS_OF_A_MESSAGE):
        found.append(f"{len(blocks)} blocks")
    ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    found += [f"block_id {name} twice" for name, times in ids.items() if times > 1]
    return found


def too_long(blocks: Sequence[Mapping[str, Any]]) -> bool:
    return len(json.dumps(blocks, ensure_ascii=False)) > ALL_BLOCKS


def view_flaws(view: object) -> list[str]:
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["a view must be a modal"]
    found = flaws(view.get("blocks"), modal=True)
    for part in ("title", "submit", "close"):
        found += _plain(view.get(part), part, 24)
    if len(str(view.get("private_metadata", ""))) > 3000:
        found.append("private_metadata too long")
    if len(str(view.get("callback_id", ""))) > 255:
        found.append("callback_id too long")
    return found + _unknown(view, {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id"})


def _block(block: Mapping[str, Any], *, modal: bool) -> Iterator[str]:
    kind = block.get("type")
    rule = _RULES.get(str(kind)) if modal or kind != "input" else None
    if rule is None:
        yield f"block type {kind!r}"
        return
    if not 0 < len(str(block.get("block_id", "-"))) <= 255:
        yield "block_id length"
    yield from rule(block)


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _plain(block.get("text"), "header", 150)
    yield from _unknown(block, {"type", "block_id", "text"})


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if ("text" in block) == ("fields" in block):
        yield "a section has either text or fields here"
    if "text" in block:
        yield from _text(block["text"], "section", 3000)
    fields = block.get("fields", [])
    if not isinstance(fields, list) or len(fields) > 10 or ("fields" in block and not fields):
        yield "fields must be 1 to 10"
        return
    for field in fields:
        yield from _text(field, "field", 2000)
    yield from _unknown(block, {"type", "block_id", "text", "fields"})


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        yield "context takes 1 to 10 elements"
        return
    for element in elements:
        yield from _text(element, "context", 3000)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        yield "actions takes 1 to 25 elements"
        return
    names = Counter(element.get("action_id") for element in elements)
    yield from (f"action_id {name} twice" for name, times in names.items() if times > 1)
    for element in elements:
        yield from _button(element)


def _button(button: Mapping[str, Any]) -> Iterator[str]:
    if button.get("type") != "button":
        yield f"element {button.get('type')!r}"
    yield from _plain(button.get("text"), "button", 75)
    name = button.get("action_id")
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        yield "action_id length"
    if len(str(button.get("value", "-"))) > 2000:
        yield "button value too long"
    url = button.get("url", "https://-")
    if len(url) > 3000 or not url.startswith(("http://", "https://")):
        yield "button url"
    if button.get("style") not in (None, "primary", "danger"):
        yield "button style"
    yield from _unknown(button, {"type", "text", "action_id", "value", "url", "style"})


def _input(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _plain(block.get("label"), "label", 2000)
    element = block.get("element") or {}
    match element:
        case {"type": "plain_text_input", "action_id": str()}:
            if not 0 < element.get("max_length", 1) <= 3000:
                yield "max_length"
        case {"type": "static_select", "action_id": str(), "options": [*options]}:
            yield from _options(options, 100)
        case {"type": "checkboxes", "action_id": str(), "options": [*options]}:
            yield from _options(options, 10)
        case _:
            yield "input element"
    yield from _unknown(block, {"type", "block_id", "label", "element", "optional"})


def _options(options: list[Mapping[str, Any]], most: int) -> Iterator[str]:
    if not 0 < len(options) <= most:
        yield f"options must be 1 to {most}"
    for option in options:
        yield from _plain(option.get("text"), "option", 75)
        if not 0 < len(str(option.get("value", ""))) <= 150:
            yield "option value"


def _text(value: object, what: str, limit: int) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in ("mrkdwn", "plain_text"):
        return [f"{what} needs a text object"]
    if value["type"] == "plain_text":
        return _plain(value, what, limit)
    return _length(value.get("text"), what, limit) + _unknown(value, {"type", "text", "verbatim"})


def _plain(value: object, what: str, limit: int) -> list[str]:
    if not isinstance(value, dict) or value.get("type") != "plain_text":
        return [f"{what} needs plain_text"]
    return _length(value.get("text"), what, limit) + _unknown(value, {"type", "text", "emoji"})


def _length(text: object, what: str, limit: int) -> list[str]:
    return [] if isinstance(text, str) and 0 < len(text) <= limit else [f"{what} must have 1 to {limit} characters"]


def _unknown(value: Mapping[str, Any], known: set[str]) -> list[str]:
    return [f"unknown property {name}" for name in value if name not in known]


_RULES: dict[str, Rule] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
}
