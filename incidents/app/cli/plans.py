"""A plan as lines on a terminal: every step in words, with the very requests and how each is taken back."""

import json
from collections.abc import Mapping
from typing import Any

from incidents.app.terminal import plain

Answer = dict[str, Any]


def plan_lines(plan: Answer, standing: Mapping[str, str] | None = None) -> list[str]:
    """What would be done; `standing` says of each step, by its id, how it stands by now."""
    lines = [f"{plain(plan['title'])} ({plain(plan['runbook'])}) for {plan['incident']}"]
    back = plan["rollback"]
    if back:
        lines.append(f"  rolls back {plain(back['kind'])} {plain(back['name'])} from {_from_to(back)}")
    lines += [f"  {plain(name)} = {plain(value)}" for name, value in plan["parameters"].items()]
    for number, step in enumerate(plan["steps"], 1):
        lines += [
            f"{number}. {step['id']}: {plain(step['title'])} {plain((standing or {}).get(step['id'], ''))}".rstrip()
        ]
        lines += [f"   {plain(sentence)}" for sentence in (step["text"], *step["does"]) if sentence]
        lines += _requests(step)
    approval = plan["approval"]
    lines.append(
        f"Needed to approve it: {approval['text'][:1].lower()}{approval['text'][1:]}."
        if approval
        else "It changes nothing: nobody has to approve it."
    )
    return [*lines, *([f"Warning: {plain(plan['warning'])}"] if plan["warning"] else []), f"plan {plan['hash']}"]


def _from_to(back: Answer) -> str:
    return f"{plain(back['version'])} to {plain(back['to'])}"


def _requests(step: Answer) -> list[str]:
    told = {"look": "asked before", "request": "sent", "status": "asked where nobody knows", "undo": "to take it back"}
    lines = []
    if step["prior"]:
        was = ", ".join(f"{plain(name)} {plain(value)}" for name, value in step["prior"].items())
        lines.append(f"   the target said: {was}")
    for name, label in told.items():
        asked = step[name]
        if asked is None:
            continue
        query = "&".join(f"{key}={value}" for key, value in asked["query"])
        at = f"{asked['method']} {asked['path']}{'?' if query else ''}{query} at {asked['connection']}"
        lines.append(f"   {label}: {plain(at)}")
        lines += [f"      {plain(key)}: {plain(value)}" for key, value in asked["headers"]]
        if asked["body"] is not None:
            lines.append(f"      {plain(json.dumps(asked['body'], ensure_ascii=False))}")
    return lines
