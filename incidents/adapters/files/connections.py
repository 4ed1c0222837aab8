"""The file of connections: read it, refuse what is wrong, and make connections of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from yarl import URL

from incidents.adapters.files.connections_shape import RATE, AuthEntry, ConnectionEntry, ConnectionsFile, SecretEntry
from incidents.adapters.files.problem import FilesRefused, Problem
from incidents.adapters.files.problem import Path as Place
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.source import read_trees
from incidents.adapters.files.tree import Tree
from incidents.core.connection import Auth, AwsAuth, Basic, Bearer, Connection, HeaderAuth, SecretRef

_SPANS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_KINDS = tuple(AuthEntry.model_fields)


def read_connections(path: Path | None) -> tuple[Connection, ...]:
    """The connections in the file or folder `path`, none where there is none.

    FilesRefused, with everything that is wrong, where anything is. No secret is read.
    """
    if path is None:
        return ()
    tree, problems = read_trees(path)
    if tree.whole and tree.value.get("version") is None:
        problems.append(tree.problem(("version",), "is missing", "write version: 1"))
    shape, found = checked(tree, ConnectionsFile)
    problems += [*found, *_senseless(tree, shape)]
    if problems:
        raise FilesRefused(problems)
    return tuple(_connection(name, entry) for name, entry in shape.connections.items())


def _senseless(tree: Tree, shape: ConnectionsFile) -> Iterator[Problem]:
    """Ways to authenticate, or places of secrets, of which there is not just one; and hosts that never match."""
    for name, entry in shape.connections.items():
        path: Place = ("connections", name)
        if entry.auth is not None:
            yield from _not_one(tree, (*path, "auth"), _KINDS)
            for place in _secret_places(entry.auth):
                yield from _not_one(tree, (*path, "auth", *place), ("env", "file"))
        own = _own(entry)
        if entry.hosts and own not in entry.hosts:
            yield tree.problem((*path, "hosts"), f"does not hold the host of url, {own}", "add it")


def _not_one(tree: Tree, path: Place, keys: tuple[str, ...]) -> Iterator[Problem]:
    written = [key for key in keys if (*path, key) in tree.places]
    if len(written) > 1:
        yield tree.problem((*path, written[1]), f"stands beside {written[0]}", "keep one of the two")
    elif not written:
        yield tree.problem(path, "says nothing", f"write one of {', '.join(keys)}")


def _secret_places(auth: AuthEntry) -> Iterator[Place]:
    if auth.bearer is not None:
        yield ("bearer",)
    for kind in ("basic", "header", "aws"):
        entry = getattr(auth, kind)
        if entry is not None:
            yield from ((kind, key) for key in type(entry).model_fields if isinstance(getattr(entry, key), SecretEntry))


def _own(entry: ConnectionEntry) -> str:
    url = URL(entry.url)
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host
    return f"{host}:{url.port}"


def _connection(name: str, entry: ConnectionEntry) -> Connection:
    rate = re.fullmatch(RATE, entry.rate or "")
    return Connection(
        name=name,
        url=entry.url,
        auth=None if entry.auth is None else _auth(entry.auth),
        hosts=entry.hosts,
        inside=entry.inside,
        rate=None if rate is None else (int(rate[1]), _SPANS[rate[2]]),
        timeout=entry.timeout,
        ca=entry.ca,
    )


def _auth(entry: AuthEntry) -> Auth | None:
    if entry.bearer is not None:
        return Bearer(token=_ref(entry.bearer))
    if entry.basic is not None:
        return Basic(user=_ref(entry.basic.user), password=_ref(entry.basic.password))
    if entry.header is not None:
        return HeaderAuth(name=entry.header.name, value=_ref(entry.header.value))
    if entry.aws is None:
        return None
    aws = entry.aws
    return AwsAuth(
        region=aws.region,
        service=aws.service,
        access_key=_ref(aws.access_key),
        secret_key=_ref(aws.secret_key),
        session_token=None if aws.session_token is None else _ref(aws.session_token),
    )


def _ref(entry: SecretEntry) -> SecretRef:
    return SecretRef(env=entry.env, file=entry.file)
