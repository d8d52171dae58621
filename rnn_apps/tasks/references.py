"""The reference texts of a split, encoded."""

from typing import NamedTuple

import numpy as np

from rnn_apps.data.columns import Column


class References(NamedTuple):
    """All reference texts of a split.

    Attributes:
        numbers: int32 token ids of all texts, concatenated, each text with its end token.
        lengths: number of tokens of each text, including the end token.
        source_index: index of the input of each text.
        truncations: list of `Truncation` of the texts, and of inputs that are texts.
        sources: `Column` of the token ids of inputs that are texts; else None.
    """

    numbers: np.ndarray
    lengths: np.ndarray
    source_index: np.ndarray
    truncations: list
    sources: Column | None = None
