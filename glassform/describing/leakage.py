"""Columns that tell the target by themselves, as a copy of it does."""

import pandas as pd

from glassform.describing.columns import MOST_CATEGORIES, readings_of
from glassform.records.field import NOT_KNOWN
from glassform.records.schema import NUMBER

COPY = "each of its values goes with one outcome: a copy of the target?"
TELLS = "by itself it tells the target: a copy of the target, or known only after it?"
FEWEST_KNOWN = 20  # rows, of which something can be said
FEWEST_OTHERS = 5  # rows that differ from the commonest value: fewer may fit by chance
NEARLY = 0.999  # of Spearman's rank correlation, as rounding leaves of a copy


def is_copy(texts: pd.Series, target: pd.Series) -> bool:
    """Tell whether each of a column's few values goes with one outcome; its gaps say nothing."""
    known = (texts != NOT_KNOWN).to_numpy()
    values, outcomes = texts[known], target[known]
    few = 1 < values.nunique() <= min(MOST_CATEGORIES, len(values) / 5)
    return few and outcomes.nunique() > 1 and bool((outcomes.groupby(values.to_numpy()).nunique() == 1).all())


def tells(texts: pd.Series, target: pd.Series, task: str) -> bool:
    """Tell whether a column puts the rows in the order of the target, whatever the number of its values."""
    known = (texts != NOT_KNOWN).to_numpy()
    values, outcomes = texts[known], target[known]
    if len(values) < FEWEST_KNOWN or min(others_of(values), others_of(outcomes)) < FEWEST_OTHERS:
        return False
    x, y = as_numbers(values), as_numbers(outcomes) if task == NUMBER else None
    if y is None:
        return x is not None and apart(x, outcomes, strictly=True)
    if x is None:
        return values.nunique() <= MOST_CATEGORIES and apart(y, values, strictly=True)
    return apart(y, x) or apart(y, -x) or abs(x.corr(y, method="spearman")) >= NEARLY


def others_of(values: pd.Series) -> int:
    """Return the number of rows that do not have the commonest value."""
    return len(values) - int(values.value_counts().iloc[0])


def as_numbers(values: pd.Series) -> pd.Series | None:
    """Return a column as numbers; nothing, if they are none or can be read in two ways."""
    readings = readings_of(values)
    return readings[0].numbers.astype(float) if len(readings) == 1 else None


def apart(numbers: pd.Series, groups: pd.Series, strictly: bool = False) -> bool:
    """Tell whether the numbers of each group lie above those of the group before.

    Groups are taken in their own order, and may touch; `strictly`, in any order, and may not.
    """
    ranges = numbers.groupby(groups.to_numpy()).agg(["min", "max"])
    if strictly:
        ranges = ranges.sort_values("min")
    low, high = ranges["min"].to_numpy()[1:], ranges["max"].to_numpy()[:-1]
    return len(ranges) > 1 and bool((low > high if strictly else low >= high).all())
