"""What measures make of many numbers: percentiles, and the slope of something that is noisy."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """What so large a share (0 to 1) of the values does not exceed, by nearest rank. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)  # whole numbers: 0.95 * 20 must not become 20 and a bit
    return ordered[max(0, rank - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The Theil–Sen slope of points (x, y): the median of the slopes of all pairs, which single far ones do not bend.

    Raises ValueError unless two of them differ in x.
    """
    slopes = [
        (second[1] - first[1]) / (second[0] - first[0])
        for first, second in combinations(points, 2)
        if first[0] != second[0]
    ]
    if not slopes:
        raise ValueError("a slope needs two moments")
    return median(slopes)
