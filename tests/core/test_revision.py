"""What applying a catalog changes, in sentences; a handover is told apart and has two sides."""
# ruff: noqa: ANN401 - a catalog's sections are whatever a story needs

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from incidents.core.catalog import Catalog
from incidents.core.difference import Difference, difference
from incidents.core.effect import EffectKind
from incidents.core.fact import GENESIS, SYSTEM
from incidents.core.handover import behind, fallen_due, notices, with_turns
from incidents.core.people import Team
from incidents.core.revision import ChangeKind, Draft, chained
from incidents.core.schedule import Rotation, Schedule, Shift, ShiftSource
from incidents.core.system import Handover, Role
from tests.make import NOON, a_catalog, a_person, a_system, an_estate

BOT: Mapping[str, Any] = {"title": "Bot", "criticality": "high", "owners": {"model": "priya", "operational": "ops"}}
OWNERS = {Role.MODEL: "priya", Role.OPERATIONAL: "ops"}
SOON, LATER = NOON + timedelta(days=5), NOON + timedelta(days=9)


def a_draft(catalog: Catalog | None = None, **sections: Any) -> Draft:
    return Draft(tree={"version": "1", **sections}, catalog=catalog or Catalog())


def of_bot(handovers: tuple[Handover, ...] = (), **owners: str) -> Catalog:
    """The usual town with one system more, and a team of another company."""
    changed = {**OWNERS, **{Role(role): owner for role, owner in owners.items()}}
    catalog = a_catalog(replace(a_system("bot"), title="Bot", owners=changed, handovers=handovers))
    acme = Team(id="acme-ops", members=("gita", "max"), company="Acme Ltd")
    return replace(catalog, teams={**catalog.teams, "acme-ops": acme})


def to_acme(at: datetime = SOON) -> Handover:
    return Handover(role=Role.OPERATIONAL, to="acme-ops", at=at, note="Run by Acme from then on")


def between(before: Catalog, after: Catalog, **tree: Any) -> Difference:
    written = {"owners": {role.value: owner for role, owner in after.systems["bot"].owners.items()}}
    old = {"owners": {role.value: owner for role, owner in before.systems["bot"].owners.items()}}
    return difference(a_draft(before, systems={"bot": old}), a_draft(after, systems={"bot": {**written, **tree}}), NOON)


def said(found: Difference) -> list[str]:
    return [change.text for change in found.changes]


def test_the_same_catalog_written_in_another_order_changes_nothing() -> None:
    before = a_draft(systems={"a": {"title": "A", "criticality": "low"}, "b": {"title": "B"}})
    after = a_draft(systems={"b": {"title": "B"}, "a": {"criticality": "low", "title": "A"}})

    assert difference(before, after, NOON).changes == ()
    assert before.digest == after.digest


def test_an_entry_comes_and_an_entry_goes_whole() -> None:
    before = a_draft(systems={"old": {"title": "Old"}})
    after = a_draft(systems={"bot": BOT}, people={"ada": {"name": "Ada"}})

    found = difference(before, after, NOON).changes

    assert [(change.kind, change.section, change.entry, change.field) for change in found] == [
        (ChangeKind.ADDED, "systems", "bot", ""),
        (ChangeKind.REMOVED, "systems", "old", ""),
        (ChangeKind.ADDED, "people", "ada", ""),
    ]
    assert [change.text for change in found] == ["System bot is new", "System old is gone", "Person ada is new"]
    assert (found[0].before, found[0].after) == (None, BOT)
    assert (found[1].before, found[1].after) == ({"title": "Old"}, None)


def test_a_field_says_what_it_was_and_what_it_is() -> None:
    before = a_draft(systems={"bot": {"criticality": "low", "aliases": ["x"], "prompt": "p"}})
    after = a_draft(systems={"bot": {"criticality": "high", "aliases": ["x", "y"], "model": "gpt-5"}})

    assert said(difference(before, after, NOON)) == [
        "System bot: aliases is [x, y], was [x]",
        "System bot: criticality is high, was low",
        "System bot: model is gpt-5, was not given",
        "System bot: prompt is no longer given, was p",
    ]


def test_entries_that_are_no_mappings_and_sections_that_are_not_known_are_told_too() -> None:
    before = a_draft(teams={"ops": ["a"]}, defaults={"owner": "lee"}, later={"thing": "1"})
    after = a_draft(teams={"ops": ["a", "b"]}, defaults={"owner": "kim"}, later={"thing": "2"})

    assert said(difference(before, after, NOON)) == [
        "Team ops is [a, b], was [a]",
        "Default owner is kim, was lee",
        "later thing is 2, was 1",
    ]


def test_a_long_value_is_cut_in_the_sentence_and_kept_whole_beside_it() -> None:
    long = "x" * 500
    (change,) = difference(a_draft(), a_draft(defaults={"owner": long}), NOON).changes

    assert len(change.text) < 130
    assert change.after == long


def test_of_a_calendars_address_the_history_tells_the_host_alone() -> None:
    """The rest of a private calendar's address is its password."""
    old, new = (f"https://me:hunter{n}@calendars.example.com/secret{n}.ics" for n in (1, 2))
    before = a_draft(schedules={"vendor": {"calendar": old}}, holidays={"uk": {"calendar": old}})
    after = a_draft(schedules={"vendor": {"calendar": new}}, holidays={"de": {"calendar": new}})

    found = difference(before, after, NOON)

    assert said(found) == [
        "Schedule vendor: calendar is another one: https://calendars.example.com/…",
        "Holidays de is new",
        "Holidays uk is gone",
    ]
    assert found.changes[1].after == {"calendar": "https://calendars.example.com/…"}
    assert not any(word in repr(found) for word in ("hunter", "secret"))


# --- handovers -------------------------------------------------------------------------------------------------------


def test_another_owner_is_a_handover_and_told_as_nothing_else() -> None:
    found = between(of_bot(), of_bot(operational="acme-ops"))

    (change,) = found.changes
    assert change.kind is ChangeKind.HANDED_OVER
    assert (change.entry, change.field, change.before, change.after) == ("bot", "owners.operational", "ops", "acme-ops")
    assert change.text == "Bot: operational ownership passes from ops to acme-ops (Acme Ltd)"


def test_a_dated_handover_is_announced_with_its_date_and_note() -> None:
    found = between(of_bot(), of_bot((to_acme(),)), handovers=[{"role": "operational"}])

    (change,) = found.changes
    assert change.kind is ChangeKind.HANDOVER_ANNOUNCED
    assert change.text == (
        "Bot: operational ownership passes from ops to acme-ops (Acme Ltd) on 2026-11-23 12:00 UTC: "
        "Run by Acme from then on"
    )
    assert change.after == {"to": "acme-ops", "at": SOON.isoformat(), "note": "Run by Acme from then on"}


def test_another_date_moves_a_handover_and_taking_it_out_calls_it_off() -> None:
    moved = between(of_bot((to_acme(),)), of_bot((to_acme(LATER),)))
    off = between(of_bot((to_acme(),)), of_bot())

    assert [change.kind for change in moved.changes] == [ChangeKind.HANDOVER_ANNOUNCED]
    assert "on 2026-11-27 12:00 UTC, no longer on 2026-11-23 12:00 UTC" in moved.changes[0].text
    assert [change.kind for change in off.changes] == [ChangeKind.HANDOVER_CANCELLED]
    assert "stays with ops; the handover to acme-ops (Acme Ltd) on 2026-11-23 12:00 UTC is off" in off.changes[0].text


def test_writing_down_what_a_handover_has_done_already_hands_nothing_over() -> None:
    done = of_bot((to_acme(NOON - timedelta(days=1)),))
    found = between(done, of_bot(operational="acme-ops"))

    assert [change.kind for change in found.changes] == [ChangeKind.CHANGED]
    assert found.passings == ()


def test_doing_at_once_what_was_announced_is_told_once() -> None:
    found = between(of_bot((to_acme(),)), of_bot(operational="acme-ops"))

    assert [change.kind for change in found.changes] == [ChangeKind.HANDED_OVER]


def test_a_new_system_hands_nothing_over_but_announces_what_is_to_come() -> None:
    found = difference(a_draft(a_catalog()), a_draft(of_bot((to_acme(),)), systems={"bot": BOT}), NOON)

    assert [change.kind for change in found.changes] == [ChangeKind.HANDOVER_ANNOUNCED, ChangeKind.ADDED]
    assert difference(a_draft(a_catalog()), a_draft(of_bot()), NOON).passings == ()


def test_a_chain_of_handovers_passes_from_each_to_the_next() -> None:
    back = Handover(role=Role.OPERATIONAL, to="ops", at=LATER)
    found = between(of_bot(), of_bot((to_acme(), back)))

    assert [change.text.split(" on ")[0] for change in found.changes] == [
        "Bot: operational ownership passes from ops to acme-ops (Acme Ltd)",
        "Bot: operational ownership passes from acme-ops (Acme Ltd) to ops",
    ]


def test_when_its_moment_comes_everybody_reads_the_new_owner() -> None:
    catalog = of_bot((to_acme(),))

    assert catalog.as_of(SOON - timedelta(seconds=1)) is catalog
    assert catalog.as_of(SOON).systems["bot"].owners[Role.OPERATIONAL] == "acme-ops"
    assert catalog.next_handover(NOON) == SOON
    assert catalog.next_handover(SOON) is None


def test_of_two_handovers_of_one_role_the_later_one_holds() -> None:
    back = Handover(role=Role.OPERATIONAL, to="ops", at=LATER)
    catalog = of_bot((to_acme(), back))

    assert catalog.as_of(LATER).systems["bot"].owners[Role.OPERATIONAL] == "ops"
    assert [passing.after for passing in fallen_due(catalog, LATER)] == ["acme-ops", "ops"]
    assert fallen_due(catalog, SOON - timedelta(seconds=1)) == ()


# --- both sides ------------------------------------------------------------------------------------------------------


def test_both_sides_are_told_once_each() -> None:
    before, after = of_bot(), of_bot((to_acme(),))
    found = between(before, after)

    made = notices(found.passings, before, after, an_estate(after), revision=7, now=NOON)

    assert [effect.key for effect in made] == ["notice:7:gita", "notice:7:kim", "notice:7:max", "notice:7:omar"]
    assert {effect.kind for effect in made} == {EffectKind.NOTICE}
    assert {effect.incident for effect in made} == {None}
    told = {effect.target: str(effect.data["text"]) for effect in made}
    assert told["gita"].startswith("To you. Bot: operational ownership passes from ops to acme-ops (Acme Ltd)")
    assert told["omar"].startswith("From you. Bot: ")


def test_both_sides_are_told_of_what_the_very_first_catalog_announces() -> None:
    after = of_bot((to_acme(),))
    found = difference(a_draft(), a_draft(after), NOON)

    made = notices(found.passings, Catalog(), after, an_estate(after), revision=1, now=NOON)

    assert {str(effect.target): str(effect.data["text"]).partition(".")[0] for effect in made} == {
        "gita": "To you",
        "max": "To you",
        "kim": "From you",
        "omar": "From you",
    }


def test_many_handovers_are_one_message_to_each_person() -> None:
    names = [f"bot-{number:02}" for number in range(30)]
    before = a_catalog(*(a_system(name) for name in names))
    after = a_catalog(*(a_system(name, owners={Role.MODEL: "kim"}) for name in names))
    found = difference(a_draft(before), a_draft(after), NOON)

    made = notices(found.passings, before, after, an_estate(after), revision=1, now=NOON)

    by_person = {effect.target: effect for effect in made}
    assert len(made) == len(by_person)
    assert str(by_person["kim"].data["text"]).endswith("And 40 more.")
    assert by_person["kim"].data["title"] == "Handover of 60 ownerships"


def test_everybody_who_has_turns_of_a_schedule_is_told_and_nobody_who_has_left() -> None:
    turns = Schedule(id="oncall", rotation=Rotation(people=("kim", "lee"), since=NOON.date()))
    before = replace(of_bot(model="priya"), people={**a_catalog().people, "gone": a_person("gone")})
    before = replace(before, systems={"bot": replace(before.systems["bot"], owners={Role.MODEL: "gone"})})
    after = replace(of_bot(), schedules={"oncall": turns})
    after = replace(after, systems={"bot": replace(after.systems["bot"], owners={Role.MODEL: "oncall"})})
    found = difference(a_draft(before), a_draft(after), NOON)

    made = notices(found.passings, before, after, an_estate(after), revision=1, now=NOON)

    assert [effect.target for effect in made] == ["kim", "lee"]


def test_who_has_turns_in_a_calendar_kept_elsewhere_is_told_as_far_as_it_was_read() -> None:
    address = "https://calendars.example.com/oncall.ics"
    shift = Shift(person="lee", start=NOON, end=LATER, source=ShiftSource.CALENDAR)
    bare, read = Schedule(id="oncall", calendar=address), Schedule(id="oncall", calendar=address, shifts=(shift,))
    written, running = replace(of_bot(), schedules={"oncall": bare}), replace(of_bot(), schedules={"oncall": read})
    elsewhere = replace(of_bot(), schedules={"oncall": replace(bare, calendar=f"{address}?other")})

    assert behind("oncall", written) == ()
    assert behind("oncall", with_turns(written, running)) == ("lee",)
    assert behind("oncall", with_turns(elsewhere, running)) == ()
    assert with_turns(of_bot(), running) == of_bot()


# --- the chain -------------------------------------------------------------------------------------------------------


def test_no_word_of_a_revision_can_be_changed_without_its_hash() -> None:
    changes = difference(a_draft(), a_draft(defaults={"owner": "lee"}), NOON).changes
    told: dict[str, Any] = {"at": NOON, "by": SYSTEM, "note": "", "digest": "d", "previous": GENESIS}
    first = chained(1, changes, **told)
    others = [
        chained(2, changes, **told),
        chained(1, (), **told),
        chained(1, (replace(changes[0], text="nothing"),), **told),
        *(chained(1, changes, **{**told, name: "other"}) for name in ("note", "digest", "previous")),
        chained(1, changes, **{**told, "at": LATER}),
    ]

    assert first == chained(1, changes, **told)
    assert len({first.hash, *(each.hash for each in others)}) == len(others) + 1
