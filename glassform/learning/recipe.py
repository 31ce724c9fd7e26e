"""The recipe of every additive model: shapes, ridge and pairs, chosen by cross-validation of the training rows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from glassform.learning.rules import UnholdableRule, fit_to_rules, rules_of
from glassform.learning.screening import PARTS, Rows, are_counts, screened
from glassform.learning.shapes import FAMILIES, LINE, NO_RULE, Pairs, Plan, Shapes
from glassform.learning.table import OUTCOME, ROWS, Split
from glassform.records.names import identifier
from glassform.records.schema import CLASSES, NUMBER, Schema

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of what the data say against the ridge: 1 / alpha
PAIR_STRENGTHS = (0.03, 0.3, 3.0)  # the first holds 33 rows that say nothing against each cell
PAIRS_FROM = 3_000  # rows from which the strength of pairs is chosen; on fewer the choice is fooled
MOST_ROWS, MOST_OF_CLASSES = 40_000, 3_000  # that shapes are chosen on
MOST_SCREENED = 40_000  # that pairs are chosen on
MOST_COUNTED = 1e9  # rows that NumPy draws from without putting any back
SMALL, LARGE = 1_000, 4_000  # rows up to which folds are drawn several times, and from which there are fewer
REPEATS = 3
PAIR_FOLDS = 3
MOST_PAIRED = 30  # fields that are tried in pairs
SEED = 0
FLOOR = 1e-15  # of a probability, so that it has a logarithm
ROUGH, MOST_STEPS = 1e-3, 1_000  # of the gradient at which a fit to choose by stops, and the steps it may take
WIDE = 400  # columns from which another way to fit is faster
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
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return told


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
        counted = pd.DataFrame({OUTCOME: split.y, ROWS: split.weights}, index=split.X.index)
        rows = pd.concat([split.X, counted], axis=1)
        counts = rows.groupby([*names, OUTCOME], dropna=False, observed=True)[ROWS].sum()
        found = counts.index.to_frame(index=False)
        records = found.groupby(names, dropna=False, observed=True).ngroup().to_numpy()
        return cls(found[names], found[OUTCOME].to_numpy(), counts.to_numpy(dtype=float), records)

    def some(self, rows: np.ndarray) -> "Profiles":
        """Return some of the rows."""
        return Profiles(self.X[rows], self.y[rows], self.weights[rows], self.records[rows])

    def at_most(self, most: int) -> "Profiles":
        """Return so many rows, drawn at random; equal ones stay counted together.

        None is put back, unless weights are no counts or too large to be drawn from that way, as a survey's may be.
        """
        total = self.weights.sum()
        if total <= most:
            return self
        chance = np.random.default_rng(SEED)
        if are_counts(self.weights) and total < MOST_COUNTED:
            drawn = chance.multivariate_hypergeometric(self.weights.astype(np.int64), most)
        else:
            drawn = chance.multinomial(most, self.weights / total)
        return replace(self, weights=drawn.astype(float)).some(drawn > 0)

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
        rules_of(schema),
    )


def build(schema: Schema, recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline of a recipe."""
    shapes = Shapes(
        plan_of(schema),
        recipe.family,
        recipe.pairs,
        recipe.pair_strength / recipe.strength,
        dense=schema.task == NUMBER,
    )
    return Pipeline([("shapes", shapes), ("regression", regression(schema.task, recipe.strength))])


def regression(task: str, strength: float) -> LogisticRegression | Ridge:
    """Return the regression of a kind of target, held back by a ridge."""
    if task == NUMBER:
        return Ridge(alpha=1.0 / strength, solver="cholesky")
    # newton-cholesky reaches the optimum, which the covariance of the points assumes, in a few steps
    return LogisticRegression(C=strength, solver="newton-cholesky", tol=CLOSE)


def rough_regression(task: str, strength: float, columns: int) -> LogisticRegression | Ridge:
    """Return one to choose by: it goes on from its last fit and stops sooner."""
    if task == NUMBER:
        return regression(task, strength)
    # much faster with many columns, or several for each
    is_wide = task == CLASSES or columns > WIDE
    solver = "lbfgs" if is_wide else "newton-cholesky"
    return LogisticRegression(C=strength, solver=solver, tol=ROUGH, max_iter=MOST_STEPS, warm_start=True)


def chosen(schema: Schema, training: Split) -> Recipe:
    """Choose shapes, ridge and pairs for some training rows."""
    return chosen_for(schema, Profiles.of(training))


def chosen_for(schema: Schema, rows: Profiles, repeats: int = REPEATS) -> Recipe:
    """Choose shapes, ridge and pairs for some profiles; the folds of few rows are drawn so many times."""
    most = MOST_OF_CLASSES if schema.task == CLASSES else MOST_ROWS
    recipe = with_shapes(schema, rows.at_most(most), repeats)
    return with_pairs(schema, recipe, rows.at_most(MOST_SCREENED))


def with_shapes(schema: Schema, rows: Profiles, repeats: int) -> Recipe:
    """Choose the family of curves and the strength of the data against the ridge.

    Each family has its best strength; of the families, the simplest wins whose loss is not more than one standard
    error above the least, by the paired losses of the rows.
    """
    losses, times = np.zeros((len(FAMILIES), len(STRENGTHS), len(rows.y))), np.zeros(len(rows.y))
    size = rows.weights.sum()
    repeats, number = (repeats, 5) if size < SMALL else (1, 5 if size < LARGE else 3)
    for held in held_out(schema, rows, number, repeats):
        times[held] += 1
        learned, unseen = rows.some(~held), rows.some(held)
        found: list[tuple[Any, np.ndarray]] = []
        for place, family in enumerate(FAMILIES):
            recipes = [Recipe(family, strength) for strength in STRENGTHS]
            shapes = build(schema, recipes[0])[0].fit(learned.X, sample_weight=learned.weights)
            # on few rows a family has no more curves than a simpler one
            same = next((its for other, its in found if shapes.is_like(other)), None)
            its = losses_of(schema, recipes, learned, unseen, shapes) if same is None else same
            found.append((shapes, its))
            losses[place][:, held] += its
    if not times.any():  # an outcome that only one row has
        return Recipe()
    losses, weights = losses / np.maximum(times, 1), np.where(times > 0, rows.weights, 0.0)
    means = losses @ weights / weights.sum()
    strengths = means.argmin(axis=1)
    best = losses[np.arange(len(FAMILIES)), strengths]
    least = best[means.min(axis=1).argmin()]
    told = list[dict[str, Any]]()
    for family, strength, loss, its_losses in zip(FAMILIES, strengths, means.min(axis=1), best, strict=True):
        more, error = paired(its_losses - least, weights)
        said = {"loss": float(loss), "more": more, "standard_error": error}
        told.append({"family": family, "strength": STRENGTHS[strength], **said})
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


def losses_of(
    schema: Schema, recipes: Sequence[Recipe], learned: Profiles, held: Profiles, shapes: Shapes | None = None
) -> np.ndarray:
    """Return the loss of each row that was held back, by recipe; the recipes differ in their strength alone.

    `shapes` are theirs, if they are fitted to what is learned from already.
    """
    shapes = shapes or build(schema, recipes[0])[0].fit(learned.X, sample_weight=learned.weights)
    columns, unseen = shapes.transform(learned.X), shapes.transform(held.X)
    model, found = None, []
    for recipe in recipes:
        model = model or rough_regression(schema.task, recipe.strength, columns.shape[1])
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
    if len(schema.fields) > MOST_PAIRED:
        strong = strongest(schema, recipe, rows)
        candidates = tuple(pair for pair in candidates if strong.issuperset(pair))
    steps, curvatures = residuals(schema, recipe, rows)
    part = rows.folds(PARTS, PAIR_FOLDS, schema.task != NUMBER)
    shapes = Shapes(plan_of(schema), pairs=candidates).fit(rows.X, sample_weight=rows.weights)
    numbers = {pair: shapes.numbered(pair, rows.X) for pair in candidates}
    found = screened(numbers, Rows(steps, curvatures, rows.weights, part))
    recipe = replace(recipe, pairs=found.used, screened=found.told())
    if not found.used or rows.weights.sum() < PAIRS_FROM:
        return recipe
    several = [replace(recipe, pair_strength=each) for each in PAIR_STRENGTHS]
    losses = np.zeros(len(several))
    for held in held_out(schema, rows, PAIR_FOLDS):
        learned, unseen = rows.some(~held), rows.some(held)
        losses += [(losses_of(schema, [each], learned, unseen) @ unseen.weights).item() for each in several]
    return several[int(losses.argmin())]


def strongest(schema: Schema, recipe: Recipe, rows: Profiles) -> set[str]:
    """Return the fields whose points differ most from row to row; of many fields only these are tried in pairs."""
    model = fit_on(build(schema, recipe), rows)
    coefficients, start = np.atleast_2d(model[-1].coef_), 0
    terms = {each.name: np.zeros((len(rows.y), len(coefficients))) for each in schema.fields}
    for name, block in model[0].blocks(rows.X):
        own = coefficients[:, start : start + block.width].T[block.places]
        terms[name] += (own * block.numbers[:, :, None]).sum(axis=1)
        start += block.width
    spread = {name: float(each.var(axis=0).sum()) for name, each in terms.items()}
    return {*sorted(spread, key=lambda name: -spread[name])[:MOST_PAIRED]}


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
    return fit_to_rules(pipeline, rows.X, rows.y, weights_for(pipeline, rows.weights))


def weights_for(pipeline: Pipeline, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights of rows as the arguments that a pipeline's steps expect."""
    weighed = [name for name, step in pipeline.steps if has_fit_parameter(step, "sample_weight")]
    return {f"{name}__sample_weight": weights for name in weighed}


def candidates_of(schema: Schema) -> tuple[Pairs, bool]:
    """Return the pairs to try, and whether the data package names them, so that they are used without a trial."""
    asked = schema.own.get("pairs", {})
    rules = rules_of(schema)
    names = [each.name for each in schema.fields if not rules.get(each.name, NO_RULE).is_alone]
    if asked.get("use") is not None:
        named = tuple((identifier(first), identifier(second)) for first, second in asked["use"])
        for name in (each for pair in named for each in pair if each not in names):
            raise UnholdableRule(f"pairs: {name} can be in no pair, since a rule says what its shape is")
        return named, True
    never = {frozenset(map(identifier, pair)) for pair in asked.get("never", [])}
    return tuple(pair for pair in combinations(names, 2) if not any(each <= {*pair} for each in never)), False
