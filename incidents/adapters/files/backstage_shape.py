"""What is read of a Backstage entity (its descriptor format, v1alpha1 and v1beta1); other keys are left alone."""

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag

from incidents.adapters.files.shape import KEYS, LIST, Entry, Name

_Text = Annotated[str, Field(max_length=10_000)]


class Loose(Entry):
    model_config = ConfigDict(extra="ignore")


class CompoundReference(Loose):
    """The long way to name another entity."""

    kind: Name | None = None
    namespace: Name | None = None
    name: Name


def _form(written: object) -> str:
    return KEYS if isinstance(written, dict | CompoundReference) else LIST


Reference = Annotated[Annotated[Name, Tag(LIST)] | Annotated[CompoundReference, Tag(KEYS)], Discriminator(_form)]


class LinkEntity(Loose):
    url: _Text
    title: _Text | None = None


class Metadata(Loose):
    name: Name
    namespace: Name = "default"
    title: Name | None = None
    description: _Text | None = None
    annotations: dict[Name, _Text] = Field(default_factory=dict)
    links: tuple[LinkEntity, ...] = ()


class Profile(Loose):
    display_name: Annotated[Name | None, Field(alias="displayName")] = None
    email: Name | None = None


class Spec(Loose):
    """The keys of every kind together: which of them count depends on the kind."""

    type: Name | None = None
    lifecycle: Name | None = None
    owner: Reference | None = None
    depends_on: Annotated[tuple[Reference, ...], Field(alias="dependsOn")] = ()
    profile: Profile = Profile()
    members: tuple[Reference, ...] = ()
    member_of: Annotated[tuple[Reference, ...], Field(alias="memberOf")] = ()
    children: tuple[Reference, ...] = ()


class Entity(Loose):
    """One document of a descriptor file."""

    api_version: Annotated[Name, Field(alias="apiVersion")] = ""
    kind: Name = ""
    metadata: Metadata | None = None
    spec: Spec = Spec()
