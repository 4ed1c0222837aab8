"""Backstage's catalog as one of ours: who is behind its groups, what its components are, and what is left to say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from incidents.adapters.files.backstage_entities import Found, Key, key_of, read_entities
from incidents.adapters.files.catalog import catalog_of
from incidents.adapters.files.problem import Problem, meant
from incidents.adapters.files.tree import Tree
from incidents.core.system import Lifecycle, Role, SystemType

_PREFIX = "incidents/"
_TEXTS = ("channel", "criticality", "justification", "model", "prompt", "reviewed", "risk-class", "rollback", "vendor")
_LISTS = ("aliases", "data-sources", "environments", "runbooks")
_ROLES = {f"{role}-owner": role for role in Role}
_OF_PEOPLE = ("slack", "timezone")
_OF_SYSTEMS = ("type", *_ROLES, *_TEXTS, *_LISTS)
_LIFECYCLES = {"experimental": Lifecycle.PLANNED, "production": Lifecycle.PRODUCTION}
_TYPES = {
    **dict.fromkeys(("model", "ml-model", "ai-model", "model-server"), SystemType.INTERNAL_MODEL.value),
    **dict.fromkeys(("agent", "ai-agent"), SystemType.AGENT.value),
}
_NOT_RUNNING = ("library", "documentation")
_DATA = ("data", "bucket", "table", "warehouse", "feature-store")  # words in the type of a resource that holds data


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A catalog of ours as its file will say it, and what nobody but its owners can add."""

    tree: dict[str, Any]
    notes: tuple[Problem, ...]


def read_backstage(paths: Iterable[Path]) -> Imported:
    """The catalog in Backstage's descriptor files; FilesRefused, with everything that is wrong, where anything is."""
    moving = _Moving(read_entities(paths))
    moving.people()
    moving.teams()
    moving.systems()
    catalog_of(moving.tree, [])
    return Imported(tree=moving.tree.value, notes=tuple(moving.notes))


@dataclass(slots=True)
class _Moving:
    """Writes our entries one by one, each value with the place in Backstage's files that it comes from."""

    entities: dict[Key, Found]
    tree: Tree = field(default_factory=lambda: Tree(value={"version": 1}))
    notes: list[Problem] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> Iterator[Found]:
        return (found for key, found in self.entities.items() if key.kind in kinds)

    def put(
        self, found: Found, section: str, id_: str, values: dict[str, Any], sources: dict[str, tuple[str, ...]]
    ) -> None:
        """Write an entry; `sources` says where the values stand that do not stand under the entity's name."""
        self.tree.value.setdefault(section, {})[id_] = {key: value for key, value in values.items() if value}
        for key in values:
            place = found.tree.place(sources.get(key, ("metadata", "name")))
            if place is not None:
                self.tree.places.setdefault((section, id_), place)
                self.tree.places[section, id_, key] = place

    def note(self, found: Found, path: tuple[str, ...], what: str, suggestion: str) -> None:
        self.notes.append(found.tree.problem(path, f"{found.id}: {what}", suggestion))

    # --- people and teams --------------------------------------------------------------------------------------------

    def people(self) -> None:
        for found in self.of_kind("user"):
            profile = found.spec.profile
            said = self._said(found, _OF_PEOPLE)
            values = {
                "name": profile.display_name or found.metadata.title or found.metadata.name,
                "email": profile.email,
            }
            sources = {"email": ("spec", "profile", "email")} | {key: _annotated(key) for key in said}
            self.put(found, "people", found.id, {**values, **said}, sources)
            if not (profile.email or said.get("slack")):
                self.note(found, ("spec",), "cannot be reached", "give an email, or the annotation incidents/slack")

    def teams(self) -> None:
        joined: dict[Key, list[str]] = {}
        for user in self.of_kind("user"):
            for reference in user.spec.member_of:
                joined.setdefault(key_of(reference, kind="group", beside=user.key), []).append(user.id)
        for found in self.of_kind("group"):
            members = list(dict.fromkeys(self._members(found, joined, set())))
            if members:
                self.put(found, "teams", self._team(found), {"members": members}, {"members": ("spec", "members")})
            else:
                self.note(found, ("spec",), "nobody is in the group", "name its members, or it can own nothing")

    def _members(self, group: Found, joined: Mapping[Key, list[str]], seen: set[Key]) -> Iterator[str]:
        """The people of a group, then those who say so themselves, then those of the groups inside it."""
        seen.add(group.key)
        for reference in group.spec.members:
            yield self._person(group, key_of(reference, kind="user", beside=group.key))
        yield from joined.get(group.key, ())
        for reference in group.spec.children:
            child = self.entities.get(key_of(reference, kind="group", beside=group.key))
            if child is not None and child.key not in seen:
                yield from self._members(child, joined, seen)

    def _person(self, by: Found, key: Key) -> str:
        """The id of a person; one whom the files only name is written down as no more than that."""
        if key in self.entities:
            return self.entities[key].id
        if key.id not in self.tree.value.setdefault("people", {}):
            self.put(by, "people", key.id, {"name": key.name}, {})
            self.note(by, ("spec",), f"no User entity describes {key.id}", "add how they can be reached")
        return key.id

    def _team(self, group: Found) -> str:
        """The id of a team: one that a person has too is told apart, since owners share one set of names."""
        return f"group:{group.id}" if group.id in self.tree.value.get("people", {}) else group.id

    # --- systems -----------------------------------------------------------------------------------------------------

    def systems(self) -> None:
        for found in self.of_kind("component", "api", "resource", "system"):
            if not _is_system(found):
                continue
            said = self._said(found, _OF_SYSTEMS)
            owners = self._owners(found, {role: said.pop(name) for name, role in _ROLES.items() if name in said})
            sources = {key.replace("-", "_"): _annotated(key) for key in said}
            links = [{"title": each.title or each.url, "url": each.url} for each in found.metadata.links]
            depends, data = self._dependencies(found)
            values = {
                "title": found.metadata.title,
                "type": said.pop("type", None) or _TYPES.get((found.spec.type or "").casefold()),
                "lifecycle": self._lifecycle(found),
                "owners": owners,
                "depends_on": depends,
                "data_sources": data,
                "links": links,
            }
            sources |= {"lifecycle": ("spec", "lifecycle"), "owners": ("spec", "owner"), "links": ("metadata", "links")}
            self.put(found, "systems", found.id, values | {k.replace("-", "_"): v for k, v in said.items()}, sources)

    def _owners(self, found: Found, named: dict[Role, str]) -> dict[str, str]:
        """Backstage's owner bears the ultimate responsibility and is the one to turn to when something is wrong."""
        owner = self._owner(found, ("spec", "owner"), found.spec.owner) if found.spec.owner else None
        owners = {role.value: owner for role in (Role.ACCOUNTABLE, Role.OPERATIONAL) if owner}
        for role, reference in named.items():
            if other := self._owner(found, _annotated(f"{role}-owner"), reference):
                owners[role.value] = other
        if missing := [role.value for role in Role if role.value not in owners]:
            advice = f"name them under systems.{found.id}.owners"
            self.note(found, ("spec", "owner"), f"has no {', '.join(missing)} owner", advice)
        return {role.value: owners[role.value] for role in Role if role.value in owners}

    def _owner(self, found: Found, path: tuple[str, ...], reference: Any) -> str | None:  # noqa: ANN401 - two forms
        key = key_of(reference, kind="group", beside=found.key)
        if key.kind == "user":
            return self._person(found, key)
        group = self.entities.get(key)
        if group is not None and self._team(group) in self.tree.value.get("teams", {}):
            return self._team(group)
        self.note(found, path, f"is owned by {key.kind} {key.id}, of whom nothing is known", "import its people too")
        return None

    def _lifecycle(self, found: Found) -> str | None:
        given = found.spec.lifecycle or ""
        known = _LIFECYCLES.get(given.casefold())
        if known is None and given:
            advice = "it is taken for production; write lifecycle: retired once it is switched off"
            self.note(found, ("spec", "lifecycle"), f"its lifecycle is {given}", advice)
        return known.value if known else None

    def _dependencies(self, found: Found) -> tuple[list[str], list[str]]:
        """What it depends on, and of that the resources which hold data."""
        depends, data = list[str](), list[str]()
        for reference in found.spec.depends_on:
            key = key_of(reference, kind="component", beside=found.key)
            other = self.entities.get(key)
            holds_data = other is not None and key.kind == "resource" and _holds_data(other)
            (data if holds_data else depends).append(other.id if other else key.id)
        return list(dict.fromkeys(depends)), list(dict.fromkeys(data))

    def _said(self, found: Found, known: tuple[str, ...]) -> dict[str, Any]:
        """What the annotations of ours say, by their names; one that nobody knows is noted."""
        said: dict[str, Any] = {}
        for name, text in found.metadata.annotations.items():
            key = name.removeprefix(_PREFIX)
            if key == name:
                continue
            if key not in known:
                ours = [_PREFIX + each for each in known]
                advice = meant(name, ours) or f"the annotations are {', '.join(ours)}"
                self.note(found, ("metadata", "annotations", name), "no such annotation", advice)
            else:
                said[key] = [part.strip() for part in text.split(",") if part.strip()] if key in _LISTS else text
        return said


def _annotated(key: str) -> tuple[str, ...]:
    return ("metadata", "annotations", _PREFIX + key)


def _is_system(found: Found) -> bool:
    """Every component that runs; of other kinds those that are called a model or an agent, or say so to us."""
    kind = (found.spec.type or "").casefold()
    if any(name.startswith(_PREFIX) for name in found.metadata.annotations) or kind in _TYPES:
        return True
    return found.key.kind == "component" and kind not in _NOT_RUNNING


def _holds_data(resource: Found) -> bool:
    return any(word in (resource.spec.type or "").casefold() for word in _DATA)
