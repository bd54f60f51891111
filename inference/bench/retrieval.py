"""How surely a subject is found among look-alikes.

Shape suffixes: Q queries, M matches, O others, D numbers of an identity; every row has length 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Identities = NDArray[np.float32]


class Retrieval(NamedTuple):
    """Shares in [0, 1].

    Attributes:
        rank1: of the queries whose nearest is a match.
        mean_average_precision: over the queries.
    """

    rank1: float
    mean_average_precision: float


def retrieve(queries_QD: Identities, matches_MD: Identities, others_OD: Identities) -> Retrieval:
    """Look for a subject in a gallery of its own pictures and of look-alikes.

    Args:
        queries_QD: frames of a clip.
        matches_MD: true pictures of the subject.
        others_OD: true pictures of look-alikes.
    """
    gallery = np.concatenate((matches_MD, others_OD))
    order_QG = np.argsort(-(queries_QD @ gallery.T), axis=1, kind="stable")
    is_match = order_QG < len(matches_MD)
    found = is_match.cumsum(1)
    precision = found / np.arange(1, len(gallery) + 1)
    average = (precision * is_match).sum(1) / len(matches_MD)
    return Retrieval(float(is_match[:, 0].mean()), float(average.mean()))
