"""Counts of texts that are longer than the maximum length."""

from typing import NamedTuple


class Truncation(NamedTuple):
    """The number of texts in a split that are longer than the maximum length.

    Attributes:
        longer: number of longer texts.
        total: number of all texts.
        limit: maximum length.
        unit: unit of `limit`: words or tokens.
        what: name of the texts in messages.
        use: what the rest of a longer text is not used for, a participle such as "read".
    """

    longer: int
    total: int
    limit: int
    unit: str
    what: str = "texts"
    use: str = "read"

    def __str__(self):
        longer = f"{self.longer:,} of {self.total:,} {self.what} are longer than {self.limit:,} {self.unit}"
        return f"{longer}; the rest of each is not {self.use}"
