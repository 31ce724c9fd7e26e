"""The recipe of every additive model: shapes, ridge and pairs, chosen by cross-validation of the training rows."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from glassform.learning.screening import PARTS, screened
from glassform.learning.shapes import FAMILIES, LINE, Pairs, Plan, Shapes
from glassform.learning.table import OUTCOME, ROWS, Split
from glassform.records.names import identifier
from glassform.records.schema import CLASSES, NUMBER, Schema

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of what the data say against the ridge: 1 / alpha
PAIR_STRENGTHS = (0.03, 0.3, 3.0)  # the first holds 33 rows that say nothing against each cell
PAIRS_FROM = 3_000  # rows from which the strength of pairs is chosen; on fewer the choice is fooled
MOST_ROWS, MOST_OF_CLASSES = 40_000, 3_000  # that shapes are chosen on
MOST_SCREENED = 40_000  # that pairs are chosen on
SMALL, LARGE = 1_000, 4_000  # rows up to which folds are drawn three times, and from which there are fewer
PAIR_FOLDS = 3
SEED = 0
FLOOR = 1e-15  # of a probability, so that it has a logarithm
CLOSE = 1e-8  # of the gradient at which the last fit stops


@dataclass(frozen=True)
class Recipe:
    """What was chosen for a table, and what it was chosen from.

    `strength` is 1 / alpha of the ridge on all columns, `pair_strength` that on the cells of pairs. `families` holds
    each family's best strength, its loss in cross-validation, and how much more it is than the least loss, with the
    standard error; `screened` the pairs that were tried.
    """

    family: str = LINE
    strength: float = 1.0
    pairs: Pairs = ()
    pair_strength: float = PAIR_STRENGTHS[0]
    families: list[dict[str, Any]] = field(default_factory=list)
    screened: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return it as a model's file holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Profiles:
    """Distinct rows in order, so that neither the order of rows nor how they were counted changes what is chosen.

    `weights` says how many rows each stands for; `records` numbers their records, whatever the outcome.
    """

    X: pd.DataFrame
    y: np.ndarray
    weights: np.ndarray
    records: np.ndarray

    @classmethod
    def of(cls, split: Split) -> "Profiles":
        """Return the distinct rows of a split."""
        names = [*split.X.columns]
        rows = split.X.assign(**{OUTCOME: split.y, ROWS: split.weights})
        found = rows.groupby([*names, OUTCOME], dropna=False, as_index=False, observed=True).sum()
        records = found.groupby(names, dropna=False, observed=True).ngroup().to_numpy()
        return cls(found[names], found[OUTCOME].to_numpy(), found[ROWS].to_numpy(dtype=float), records)

    def some(self, rows: np.ndarray) -> "Profiles":
        """Return some of the rows."""
        return Profiles(self.X[rows], self.y[rows], self.weights[rows], self.records[rows])

    def at_most(self, most: int) -> "Profiles":
        """Return all rows of records drawn at random, until they are so many."""
        if self.weights.sum() <= most:
            return self
        size = np.bincount(self.records, self.weights)
        drawn = np.random.default_rng(SEED).permutation(len(size))
        kept = np.zeros(len(size), dtype=bool)
        kept[drawn[: max(1, int(np.searchsorted(size[drawn].cumsum(), most)))]] = True
        return self.some(kept[self.records])

    def folds(self, number: int, repeat: int, by_class: bool) -> np.ndarray:
        """Return the fold of each row: rows of one record are in one, and the outcomes are spread evenly."""
        places, first = np.unique(self.records, return_index=True)
        chance = np.random.default_rng([SEED, repeat]).random(len(places))
        order = np.lexsort((chance, self.y[first])) if by_class else np.argsort(chance)
        fold = np.empty(len(places), dtype=int)
        fold[order] = np.arange(len(places)) % number
        return fold[np.searchsorted(places, self.records)]


def plan_of(schema: Schema) -> Plan:
    """Return the fields of a schema as shapes take them."""
    return Plan(
        {each.name: [*each.categories] for each in schema.fields if each.categories},
        tuple(each.name for each in schema.fields if not each.categories),
        tuple(each.name for each in schema.fields if each.has_gaps),
    )


def build(schema: Schema, recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline of a recipe."""
    shapes = Shapes(
        plan_of(schema), recipe.family, recipe.pairs, recipe.pair_strength / recipe.strength, schema.task == NUMBER
    )
    return Pipeline([("shapes", shapes), ("regression", regression(schema.task, recipe.strength, CLOSE))])


def regression(task: str, strength: float, tolerance: float = 1e-4) -> LogisticRegression | Ridge:
    """Return the regression of a kind of target, held back by a ridge on every column."""
    if task == NUMBER:
        return Ridge(alpha=1.0 / strength, solver="cholesky")
    # newton-cholesky reaches the optimum, which the covariance of the points assumes, in a few steps
    return LogisticRegression(C=strength, solver="newton-cholesky", tol=tolerance, warm_start=True)


def chosen(schema: Schema, training: Split) -> Recipe:
    """Choose shapes, ridge and pairs for some training rows."""
    profiles = Profiles.of(training)
    most = MOST_OF_CLASSES if schema.task == CLASSES else MOST_ROWS
    recipe = with_shapes(schema, profiles.at_most(most))
    return with_pairs(schema, recipe, profiles.at_most(MOST_SCREENED))


def with_shapes(schema: Schema, rows: Profiles) -> Recipe:
    """Choose the family of curves and the strength of the data against the ridge.

    Each family has its best strength; of the families, the simplest wins whose loss is not more than one standard
    error above the least, by the paired losses of the rows.
    """
    losses = np.zeros((len(FAMILIES), len(STRENGTHS), len(rows.y)))
    repeats, number = (3, 5) if len(rows.y) < SMALL else (1, 5 if len(rows.y) < LARGE else 3)
    for held in held_out(schema, rows, number, repeats):
        for place, family in enumerate(FAMILIES):
            recipes = [Recipe(family, strength) for strength in STRENGTHS]
            losses[place][:, held] += losses_of(schema, recipes, rows.some(~held), rows.some(held))
    means = losses @ rows.weights / repeats / rows.weights.sum()
    best = means.argmin(axis=1)
    least = losses[means.min(axis=1).argmin()][best[means.min(axis=1).argmin()]] / repeats
    told = list[dict[str, Any]]()
    for family, place, several in zip(FAMILIES, best, losses, strict=True):
        more, error = paired(several[place] / repeats - least, rows.weights)
        loss = float(several[place] @ rows.weights / repeats / rows.weights.sum())
        told.append(
            {"family": family, "strength": STRENGTHS[place], "loss": loss, "more": more, "standard_error": error}
        )
    simplest = next(each for each in told if each["more"] <= each["standard_error"])
    return Recipe(simplest["family"], simplest["strength"], families=told)


def paired(differences: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the mean of paired differences, and its standard error."""
    total = weights.sum()
    mean = float(differences @ weights / total)
    return mean, float(np.sqrt((differences - mean) ** 2 @ weights / total / max(total - 1.0, 1.0)))


def held_out(schema: Schema, rows: Profiles, number: int, repeats: int = 1) -> Iterator[np.ndarray]:
    """Yield which rows each fold holds back; none where a fold would leave only one outcome to learn."""
    for repeat in range(repeats):
        fold = rows.folds(number, repeat, schema.task != NUMBER)
        for each in range(number):
            held = fold == each
            if held.any() and (schema.task == NUMBER or len(np.unique(rows.y[~held])) == len(np.unique(rows.y))):
                yield held


def losses_of(schema: Schema, recipes: Sequence[Recipe], learned: Profiles, held: Profiles) -> np.ndarray:
    """Return the loss of each row that was held back, by recipe; the recipes differ in their strength alone."""
    shapes = build(schema, recipes[0])[0]
    columns, unseen = shapes.fit_transform(learned.X, sample_weight=learned.weights), shapes.transform(held.X)
    model, found = None, []
    for recipe in recipes:
        model = regression(schema.task, recipe.strength) if model is None else model
        model.set_params(**{"alpha": 1.0 / recipe.strength} if schema.task == NUMBER else {"C": recipe.strength})
        model.fit(columns, learned.y, sample_weight=learned.weights)
        found.append(row_losses(schema.task, model, unseen, held.y))
    return np.array(found)


def row_losses(task: str, model: Any, columns: Any, y: np.ndarray) -> np.ndarray:
    """Return the log loss or the squared error of each row."""
    if task == NUMBER:
        squares: np.ndarray = (model.predict(columns) - y) ** 2
        return squares
    probabilities = model.predict_proba(columns)
    own = probabilities[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    losses: np.ndarray = -np.log(np.maximum(own, FLOOR))
    return losses


def with_pairs(schema: Schema, recipe: Recipe, rows: Profiles) -> Recipe:
    """Add the pairs of fields that say more together than apart, and choose how strongly they are held back."""
    candidates, named = candidates_of(schema)
    if named or not candidates:
        return replace(recipe, pairs=candidates if named else ())
    steps, curvatures = residuals(schema, recipe, rows)
    part = rows.folds(PARTS, PAIR_FOLDS, schema.task != NUMBER)
    shapes = Shapes(plan_of(schema), pairs=candidates).fit(rows.X, sample_weight=rows.weights)
    numbers = {pair: shapes.numbered(pair, rows.X) for pair in candidates}
    found = screened(numbers, steps, curvatures, rows.weights, part)
    recipe = replace(recipe, pairs=found.used, screened=found.told())
    if not found.used or rows.weights.sum() < PAIRS_FROM:
        return recipe
    several = [replace(recipe, pair_strength=each) for each in PAIR_STRENGTHS]
    losses = np.zeros(len(several))
    for held in held_out(schema, rows, PAIR_FOLDS):
        learned, unseen = rows.some(~held), rows.some(held)
        losses += [(losses_of(schema, [each], learned, unseen) @ unseen.weights).item() for each in several]
    return several[int(losses.argmin())]


def residuals(schema: Schema, recipe: Recipe, rows: Profiles) -> tuple[np.ndarray, np.ndarray]:
    """Return what each row's outcome is above its cross-fitted prediction, and its curvature; a column a class."""
    is_number = schema.task == NUMBER
    classes = 1 if schema.task != CLASSES else len(schema.classes)
    found, curved = np.zeros((len(rows.y), classes)), np.ones((len(rows.y), classes))
    for held in held_out(schema, rows, PAIR_FOLDS):
        learned = rows.some(~held)
        model = fit_on(build(schema, recipe), learned)
        if is_number:
            found[held, 0] = rows.y[held] - model.predict(rows.X[held])
            continue
        predicted = np.zeros((held.sum(), len(schema.classes)))
        predicted[:, model.classes_] = model.predict_proba(rows.X[held])
        hits = rows.y[held][:, None] == np.arange(predicted.shape[1])
        found[held] = (hits - predicted)[:, -classes:]
        curved[held] = (predicted * (1.0 - predicted))[:, -classes:]
    return found, curved


def fit_on(pipeline: Pipeline, rows: Profiles) -> Pipeline:
    """Fit a pipeline on weighted rows."""
    weights = {f"{name}__sample_weight": rows.weights for name, _ in pipeline.steps}
    fitted: Pipeline = pipeline.fit(rows.X, rows.y, **weights)
    return fitted


def candidates_of(schema: Schema) -> tuple[Pairs, bool]:
    """Return the pairs to try, and whether the data package names them, so that they are used without a trial."""
    asked = schema.own.get("pairs", {})
    if "use" in asked:
        return tuple((identifier(first), identifier(second)) for first, second in asked["use"]), True
    never = {frozenset(map(identifier, pair)) for pair in asked.get("never", [])}
    names = [each.name for each in schema.fields]
    return tuple(pair for pair in combinations(names, 2) if not any(each <= {*pair} for each in never)), False
