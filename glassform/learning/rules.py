"""Rules of shape that a data package states: what each asks, whether it can be held, and how it is."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from glassform.learning.columns import Ramps
from glassform.learning.shapes import FALLS, RISES, Flat, Rule, shapes_of
from glassform.records.field import Field
from glassform.records.names import identifier
from glassform.records.schema import CLASSES, Schema

NEARLY = 1e-9  # by which a ramp may go back and count as flat


class UnholdableRule(ValueError):
    """A rule of shape that cannot be held."""


def rules_of(schema: Schema) -> dict[str, Rule]:
    """Return the rules of a data package, by field.

    Raises
    ------
    UnholdableRule
        If one cannot be held; the message names the field, the rule and why.
    """
    found = {}
    for column, asked in schema.own.get("shape", {}).items():
        field = schema.by_name[identifier(column)]
        trend = RISES if asked.get(RISES) else FALLS if asked.get(FALLS) else ""
        steps = tuple(sorted(map(float, asked.get("steps", ()))))
        rule = Rule(trend, asked.get("straight", False), steps, asked.get("rows", 0))
        if wrong := why_not(schema, field, asked, rule):
            raise UnholdableRule(f"shape: {field.column} {wrong}")
        found[field.name] = rule
    return found


def why_not(schema: Schema, field: Field, asked: dict[str, Any], rule: Rule) -> str:
    """Return why a rule cannot be held, or nothing."""
    if asked.get(RISES) and asked.get(FALLS):
        return "cannot both rise and fall"
    if sum(map(bool, (rule.trend, rule.straight, rule.steps))) > 1:
        return "can have only one of rises, falls, straight and steps"
    if rule.trend and schema.task == CLASSES:
        return f"cannot be one that {rule.trend}: with several classes, what rises for one falls for another"
    if rule.trend and field.categories and not field.ordered:
        return f"cannot be one that {rule.trend}: its categories have no order"
    if field.categories and (rule.straight or rule.steps):
        return f"cannot {'be straight' if rule.straight else 'step at numbers'}: it is a category"
    if rule.steps:
        low, high = field.bounds
        if outside := [step for step in rule.steps if not low < step <= high]:
            return f"cannot step at {outside[0]:g}: its values go from {low:g} to {high:g}"
    return ""


def going_back(pipeline: Pipeline, row: pd.DataFrame) -> Flat:
    """Return, by field with a trend, the segments that are flat, those included that go back in a fitted pipeline."""
    shapes = shapes_of(pipeline)
    if shapes is None or not any(isinstance(each, Ramps) for each in shapes.shapes_.values()):
        return {}
    coefficients, start = np.ravel(pipeline[-1].coef_), 0
    found, seen = dict[str, tuple[int, ...]](), set[str]()
    for name, block in shapes.blocks(row):
        shape = shapes.shapes_.get(name)
        if isinstance(shape, Ramps) and name not in seen:
            slopes = coefficients[start : start + block.width]
            back = [segment for segment, slope in zip(shape.segments, slopes, strict=True) if slope < -NEARLY]
            if back:
                found[name] = tuple(sorted({*shape.flat, *back}))
        seen.add(name)
        start += block.width
    return (shapes.flat or {}) | found if found else {}


def fit_to_rules(pipeline: Pipeline, X: pd.DataFrame, y: np.ndarray, weights: dict[str, np.ndarray]) -> Pipeline:
    """Fit a pipeline; where a field goes back against its rule, make it flat there and fit again, until none does.

    This is least squares, or the highest likelihood, under the constraint that no ramp goes back, as an active set
    finds it: a segment that was made flat stays so.
    """
    fitted: Pipeline = pipeline.fit(X, y, **weights)
    while flat := going_back(fitted, X.iloc[:1]):
        fitted = pipeline.set_params(shapes__flat=flat).fit(X, y, **weights)
    return fitted
