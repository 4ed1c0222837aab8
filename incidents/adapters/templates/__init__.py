"""The templates of runbooks: a small part of Jinja, in its sandbox, and the steps that come of filling it in."""

from incidents.adapters.templates.language import Path, Template, Wrong, read
from incidents.adapters.templates.steps import RunbookTemplates

__all__ = ["Path", "RunbookTemplates", "Template", "Wrong", "read"]
