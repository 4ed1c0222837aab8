"""How bad it is for users: four levels, and what may move a level up or down."""

from enum import StrEnum


class Severity(StrEnum):
    """SEV1 is the worst. Stored and published in lower case, said to people as SEV1."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"

    @property
    def rank(self) -> int:
        """1 for SEV1 to 4 for SEV4."""
        return int(self.value[3])

    @property
    def label(self) -> str:
        return self.value.upper()

    def worse_than(self, other: "Severity") -> bool:
        return self.rank < other.rank

    def raised(self, levels: int = 1, *, worst: "Severity | None" = None) -> "Severity":
        """This severity `levels` worse, but never worse than `worst`."""
        limit = worst.rank if worst else 1
        return Severity(f"sev{min(self.rank, max(limit, self.rank - levels))}")

    def capped(self, worst: "Severity") -> "Severity":
        """This severity, or `worst` where this one is worse than that."""
        return worst if self.worse_than(worst) else self


def worst(severities: "tuple[Severity, ...]") -> Severity:
    """The worst of one or more severities."""
    return min(severities, key=lambda severity: severity.rank)
