"""Backstage descriptor files as entities, and how their references find one another."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from incidents.adapters.files.backstage_shape import CompoundReference, Entity, Metadata, Reference, Spec
from incidents.adapters.files.problem import FilesRefused, Problem
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.source import bytes_of, files_at, text_of
from incidents.adapters.files.tree import Tree, read_tree

_DEFAULT = "default"  # the namespace of what names none


class Key(NamedTuple):
    """How Backstage tells entities apart: in lower case, since its references know no other."""

    kind: str
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """The name, with its namespace where that is not the usual one."""
        return self.name if self.namespace == _DEFAULT else f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entity and the document that it stands in."""

    key: Key
    metadata: Metadata
    spec: Spec
    tree: Tree

    @property
    def id(self) -> str:
        """As the file writes it, upper case too."""
        meant = self.metadata
        return meant.name if meant.namespace.casefold() == _DEFAULT else f"{meant.namespace}/{meant.name}"


def key_of(reference: Reference, *, kind: str, beside: Key) -> Key:
    """What `reference` means: a `kind` in the namespace of the entity `beside` it, where it does not say."""
    if isinstance(reference, CompoundReference):
        parts = reference.kind, reference.namespace, reference.name
    else:
        before, colon, rest = reference.rpartition(":")
        namespace, slash, name = rest.rpartition("/")
        parts = before if colon else None, namespace if slash else None, name
    return Key(*(part.casefold() for part in (parts[0] or kind, parts[1] or beside.namespace, parts[2])))


def read_entities(paths: Iterable[Path]) -> dict[Key, Found]:
    """Every entity of the files or folders, in their order; FilesRefused, with all that is wrong, where anything is."""
    found, problems = dict[Key, Found](), list[Problem]()
    for tree, wrong in _documents(file for path in paths for file in files_at(path, ".yaml", ".yml")):
        entity, unfit = checked(tree, Entity)
        problems += [*wrong, *unfit]
        if not tree.value or wrong or unfit:
            continue
        if not entity.api_version.startswith("backstage.io/") or entity.metadata is None:
            what, advice = "is no entity of Backstage", "it needs apiVersion: backstage.io/v1alpha1, kind and metadata"
            problems.append(tree.problem((next(iter(tree.value)),), what, advice))
            continue
        meant = entity.metadata
        key = Key(entity.kind.casefold(), meant.namespace.casefold(), meant.name.casefold())
        if key in found:
            what = f"the {entity.kind} {meant.name} is described twice"
            problems.append(tree.problem(("metadata", "name"), what, "keep one of the two"))
        found[key] = Found(key=key, metadata=meant, spec=entity.spec, tree=tree)
    if problems:
        raise FilesRefused(problems)
    return found


def _documents(files: Iterable[Path]) -> Iterator[tuple[Tree, list[Problem]]]:
    """Each document of each file, read as strictly as a file of our own."""
    for file in files:
        text = text_of(bytes_of(file), file)
        starts = [0, *(found.start() for found in re.finditer(r"^---(?=\s|$)", text, re.MULTILINE)), len(text)]
        for start, end in pairwise(starts):
            if text[start:end].strip():
                yield read_tree(text[start:end], str(file), first_line=text.count("\n", 0, start) + 1)
