"""Carries pages, cards, posts and notices to Slack, and looks for those whose fate is unknown."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, assert_never

from incidents.adapters.slack import cards
from incidents.adapters.slack.answers import NOT_TO_REFRESH, TOO_RICH
from incidents.adapters.slack.api import TIMEOUT, SlackApi, SlackSaidNo
from incidents.adapters.slack.approvals import approval
from incidents.adapters.slack.blocks import Rendered
from incidents.adapters.slack.limits import Block
from incidents.adapters.slack.people import SlackPeople
from incidents.adapters.slack.search import MessageSearch
from incidents.core.effect import Channel, EffectKind
from incidents.flow.ports import Finding, Message, MessageRef, NotSent, NotThere, Outcome, Refused, Sent, Unknown

EVENT_TYPE = "incidents_message"


class SlackCarrier:
    """One request for one message, never repeated here: what is not known to have arrived is asked about by `find`."""

    channel = Channel.SLACK

    def __init__(self, api: SlackApi, *, timeout: float = TIMEOUT) -> None:
        self.api = api
        self.people = SlackPeople(api, wait=timeout / 5)
        self._search = MessageSearch(api)
        self._timeout = timeout

    async def carry(self, message: Message) -> Outcome:
        if message.kind is EffectKind.REFRESH:
            return await self._refresh(message)
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout
        try:
            # Half the time at most to find out where to; nothing is posted in it.
            async with asyncio.timeout_at(end - self._timeout / 2):
                place = await self._place(message)
        except TimeoutError:
            return NotSent("Slack does not answer")
        except SlackSaidNo as no:
            return NotSent(no.trouble.why) if isinstance(no.trouble, Unknown) else no.trouble
        try:
            async with asyncio.timeout_at(end):
                return await self._post(message, place)
        except TimeoutError:
            return Unknown("Slack did not answer in time")
        except SlackSaidNo as no:
            if isinstance(no.trouble, Refused) and message.person is not None:
                self.people.forget(message.person)
            return no.trouble

    async def find(self, message: Message) -> Finding:
        if message.kind is EffectKind.REFRESH:
            return NotThere()  # doing it again changes nothing
        try:
            async with asyncio.timeout(self._timeout):
                place = await self._place(message)
                return await self._search.find(message, await self._search.channel(place.channel), _marker(message))
        except TimeoutError:
            return Unknown("Slack does not answer")
        except SlackSaidNo as no:
            gone = isinstance(no.trouble, Refused) and no.trouble.absent
            return NotThere() if gone else Unknown(no.trouble.why)  # nobody to find it at: carried anew, and refused

    async def close(self) -> None:
        await self.api.close()

    async def _place(self, message: Message) -> "Place":
        if message.thread is not None and message.kind is EffectKind.POST:
            return Place(channel=message.thread.channel, thread=message.thread.ts)
        if message.kind in {EffectKind.PAGE, EffectKind.NOTICE, EffectKind.APPROVAL}:
            if message.person is None:
                raise SlackSaidNo(Refused(f"the {message.kind} names nobody"))
            return Place(channel=await self.people.direct(message.person))
        if not message.place:
            raise SlackSaidNo(Refused("no Slack channel is configured for this system"))
        return Place(channel=message.place.removeprefix("#"))

    async def _post(self, message: Message, place: "Place") -> Outcome:
        rendered = _rendered(message)
        try:
            answer = await self._posted(message, place, _marked(rendered, message))
        except SlackSaidNo as no:
            if no.code not in TOO_RICH:
                raise
            answer = await self._posted(message, place, Rendered(text=rendered.text, blocks=()))
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            return Unknown("Slack did not say where the message is")
        self._search.learn(place.channel, channel)
        return Sent(MessageRef(channel=channel, ts=ts))

    async def _posted(self, message: Message, place: "Place", rendered: Rendered) -> Mapping[str, Any]:
        return await self.api.write(
            "chat.postMessage",
            channel=place.channel,
            thread_ts=place.thread,
            text=rendered.text,
            blocks=list(rendered.blocks) or None,
            metadata=_metadata(message),
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
        )

    async def _refresh(self, message: Message) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout):
                for ref in message.refs:
                    await self._update(message, ref)
        except TimeoutError:
            return NotSent("Slack does not answer")
        except SlackSaidNo as no:
            # Bringing a message up to date twice shows it once.
            return NotSent(no.trouble.why) if isinstance(no.trouble, Unknown) else no.trouble
        return Sent()

    async def _update(self, message: Message, ref: MessageRef) -> None:
        rendered = _renewed(message, ref)
        try:
            try:
                await self._updated(ref, rendered)
            except SlackSaidNo as no:
                if no.code not in TOO_RICH:
                    raise
                await self._updated(ref, Rendered(text=rendered.text, blocks=()))
        except SlackSaidNo as no:
            if no.code not in NOT_TO_REFRESH:
                raise

    async def _updated(self, ref: MessageRef, rendered: Rendered) -> None:
        await self.api.write(
            "chat.update",
            channel=ref.channel,
            ts=ref.ts,
            text=rendered.text,
            blocks=list(rendered.blocks),
            parse="none",
            link_names=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes: a channel by id or name, and the card it stands under."""

    channel: str
    thread: str | None = None


def _rendered(message: Message) -> Rendered:
    match message.kind:
        case EffectKind.PAGE:
            return cards.page(message.about, why=message.text, possible_repeat=message.possible_repeat)
        case EffectKind.APPROVAL:
            return approval(message.about, message.data, message.url, possible_repeat=message.possible_repeat)
        case EffectKind.NOTICE:
            return cards.notice(message.title, message.text, message.url, possible_repeat=message.possible_repeat)
        case EffectKind.POST:
            return cards.post(message.text, possible_repeat=message.possible_repeat)
        case EffectKind.CARD | EffectKind.REFRESH | EffectKind.FALLBACK | EffectKind.EVENT:
            return cards.card(message.about, possible_repeat=message.possible_repeat)
        case never:
            assert_never(never)


def _renewed(message: Message, ref: MessageRef) -> Rendered:
    if ref.approval:
        return approval(message.about, ref.approval, ref.url, ended=ref.ended)
    # Slack's direct message channels begin with a D; what lies there is a page, with the steps to take.
    is_page = ref.channel.startswith("D")
    return cards.page(message.about, why=ref.why) if is_page else cards.card(message.about)


def _metadata(message: Message) -> Block:
    said = {"key": message.key, "incident": message.incident or "", "kind": message.kind.value}
    return {"event_type": EVENT_TYPE, "event_payload": said}


def _marker(message: Message) -> str:
    """The message's key once more, as a block's id: some servers keep blocks and forget metadata."""
    return f"incidents-{sha256(message.key.encode()).hexdigest()[:40]}"


def _marked(rendered: Rendered, message: Message) -> Rendered:
    if not rendered.blocks:
        return rendered
    first, *rest = rendered.blocks
    return Rendered(text=rendered.text, blocks=(first | {"block_id": _marker(message)}, *rest))
