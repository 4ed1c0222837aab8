"""A catalog as the text of a file that people go on writing."""

from collections.abc import Mapping
from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """Writes values out wherever they are needed: our reader knows no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - as the library has it
        return True


def catalog_text(tree: Mapping[str, Any]) -> str:
    """The YAML of a catalog: an entry per system, in the order of `tree`."""
    text = yaml.dump(dict(tree), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return str(text)
