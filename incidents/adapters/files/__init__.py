"""Catalog, policy, runbooks and connections from YAML and Markdown files, with errors for whoever has to mend them."""

from incidents.adapters.files.backstage import Imported, read_backstage
from incidents.adapters.files.catalog import (
    ReadCatalog,
    catalog_at,
    catalog_from_texts,
    catalog_from_tree,
    read_catalog,
)
from incidents.adapters.files.catalog_text import catalog_text
from incidents.adapters.files.connections import read_connections
from incidents.adapters.files.cross_check import cross_check
from incidents.adapters.files.places import shipped
from incidents.adapters.files.policy import read_policy
from incidents.adapters.files.problem import FilesRefused, Problem
from incidents.adapters.files.runbooks import RunbookShelf, read_runbooks
from incidents.adapters.files.schema import schema
from incidents.adapters.files.source import texts_at

__all__ = [
    "FilesRefused",
    "Imported",
    "Problem",
    "ReadCatalog",
    "RunbookShelf",
    "catalog_at",
    "catalog_from_texts",
    "catalog_from_tree",
    "catalog_text",
    "cross_check",
    "read_backstage",
    "read_catalog",
    "read_connections",
    "read_policy",
    "read_runbooks",
    "schema",
    "shipped",
    "texts_at",
]
