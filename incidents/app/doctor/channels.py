"""Looks at the channels of pages and posts, Slack and the fallback, without sending anything."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from incidents.adapters.slack.api import SlackApi, SlackSaidNo
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.doctor.ground import Files
from incidents.app.settings import Settings
from incidents.core.catalog import Catalog

_PATIENCE = 10.0  # seconds for each answer
_PAGES = 10  # of Slack's list of channels


async def examine_slack(settings: Settings, files: Files) -> AsyncIterator[Finding]:
    if settings.slack_bot_token is None:
        yield warn("slack", "is not set up: pages go to the console", "set INCIDENTS_SLACK_BOT_TOKEN")
        return
    if settings.slack_signing_secret is None:
        advice = "set INCIDENTS_SLACK_SIGNING_SECRET"
        yield fail("slack", "buttons cannot work: nothing tells Slack's clicks from others'", advice)
    api = SlackApi(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    try:
        who = await api.read("auth.test")
        yield ok("slack", f"the token is good: {who.get('user')} in {who.get('team')}")
        yield await _channel(api, settings.slack_channel or _default(files))
    except SlackSaidNo as no:
        advice = "check INCIDENTS_SLACK_BOT_TOKEN, its scopes, and the way to slack.com"
        yield fail("slack", f"{no}{f' ({no.code})' if no.code else ''}", advice)
    finally:
        await api.close()


def _default(files: Files) -> str | None:
    return files.catalog.default_channel if isinstance(files.catalog, Catalog) else None


async def _channel(api: SlackApi, wanted: str | None) -> Finding:
    if not wanted:
        return warn("slack", "no channel is set", "set INCIDENTS_SLACK_CHANNEL, or defaults.channel in the catalog")
    found = await _find_channel(api, wanted.removeprefix("#"))
    if found is None:
        advice = "make it, or invite the bot where it is private"
        return fail("slack", f"the bot sees no channel {wanted}", advice)
    if found.get("is_member") is False:
        return warn("slack", f"the bot is not in {wanted}", f"say /invite with the bot's name in {wanted}")
    return ok("slack", f"the bot sees {wanted}")


async def _find_channel(api: SlackApi, wanted: str) -> Mapping[str, Any] | None:
    cursor = ""
    for _ in range(_PAGES):
        asked = {"limit": "1000", "exclude_archived": "true", "types": "public_channel,private_channel"}
        page = await api.read("conversations.list", **asked, **({"cursor": cursor} if cursor else {}))
        for channel in page.get("channels") or ():
            if wanted in {channel.get("id"), channel.get("name")}:
                found: Mapping[str, Any] = channel
                return found
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return None


async def examine_fallback(settings: Settings) -> AsyncIterator[Finding]:
    if settings.fallback_url is None:
        if settings.slack_bot_token is not None:
            advice = "set INCIDENTS_FALLBACK_URL to a webhook that does not depend on Slack"
            yield warn("fallback", "none is set: when Slack is away, pages reach only the console", advice)
        return
    parts = urlsplit(settings.fallback_url.get_secret_value())
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        yield ok("fallback", f"{host}:{port} can be reached (nothing was sent)")
    except (OSError, TimeoutError) as error:
        yield fail("fallback", f"{host}:{port} cannot be reached: {error}", "check INCIDENTS_FALLBACK_URL")
