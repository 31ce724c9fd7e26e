"""Our recipe and others on many tables: `make glass`, or `python -m benchmarks.glass iris wine`.

What was measured is kept in instance/glass/, so a run that was stopped goes on, and `--show` only prints.
"""

import argparse
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.glass_cards import (
    card_of,
    largest_gap,
    largest_margin,
    microseconds_of_card,
    microseconds_of_model,
    number_of_points,
    random_rows,
)
from benchmarks.glass_chart import chart
from benchmarks.glass_floors import summary, verdicts
from benchmarks.glass_report import markdown
from benchmarks.glass_results import Measured, Results, rounded
from benchmarks.glass_rivals import RIVALS, predictions
from benchmarks.glass_tables import TABLES, Part, Table, read_split
from benchmarks.measuring import ROOT
from glassform.learning.table import as_records
from glassform.records.schema import Schema

KEPT = ROOT / "instance" / "glass"
DESIGN, CHART = ROOT / "docs" / "design.md", ROOT / "docs" / "glass.svg"
BEGIN, END = "<!-- make glass -->", "<!-- end of make glass -->"


def path_of(table: Table) -> Path:
    """Return where the results of a table are kept."""
    return KEPT / f"{''.join(each if each.isalnum() else '_' for each in table.name)}.json"


def measure(table: Table, rivals: Sequence[str], again: bool) -> Results:
    """Fit models on a table, unless that was done before; keep and return what was measured."""
    path = path_of(table)
    results = Results.load(path) if path.exists() else None
    wanted = [name for name in rivals if again or results is None or name not in results.rivals]
    if results is not None and not wanted:
        return results
    schema, parts = read_split(table, KEPT / "tables")
    if results is None:
        results = of_table(schema, parts)
    for name in wanted:
        print(f"{table.name}: {RIVALS[name].title} ... ", end="", flush=True)
        found = measured(name, schema, parts)
        results = Results.load(path) if path.exists() else results  # another run may have added to it
        results.rivals[name] = found
        results.save(path)
        print(f"{results.rivals[name].seconds_a_fit:.2f} s a fit", flush=True)
    return results


def of_table(schema: Schema, parts: Sequence[Part]) -> Results:
    """Return the results of a table on which no model was tried yet."""
    rows = len(parts[0].training.y) + len(parts[0].test.y)
    actual = [part.test.y.tolist() for part in parts]
    return Results(rows, len(schema.fields), schema.task, [part.repeat for part in parts], actual)


def measured(name: str, schema: Schema, parts: Sequence[Part]) -> Measured:
    """Fit one model on each part, and predict the rows it has not seen."""
    predicted, seconds, processor = list[list[Any]](), list[float](), list[float]()
    models = []
    for part in parts:
        clock, of_processor = time.perf_counter(), time.process_time()
        model = RIVALS[name].fitted(schema, part.training)
        seconds.append(time.perf_counter() - clock)
        processor.append(time.process_time() - of_processor)
        predicted.append(rounded(predictions(schema, model, part.test.X)))
        models.append(model)
    if RIVALS[name].is_table:
        recipes = [recipe_of(model) for model in models]
        return Measured(predicted, seconds, processor, recipes=recipes, **of_card(schema, models[0], parts[0]))
    took = microseconds_of_model(partial(predictions, schema, models[0]), parts[0].test.X)
    return Measured(predicted, seconds, processor, took)


def recipe_of(pipeline: Any) -> dict[str, Any]:
    """Return what was chosen for a pipeline."""
    shapes, regression = pipeline
    strength = getattr(regression, "C", None) or 1.0 / regression.alpha
    pairs = [list(pair) for pair in shapes.pairs]
    return {
        "family": shapes.family,
        "strength": strength,
        "pairs": pairs,
        "pair_strength": shapes.pair_share * strength,
    }


def of_card(schema: Schema, pipeline: Any, part: Part) -> dict[str, Any]:
    """Measure the table of points of a pipeline: on its training rows, on others, and on random records."""
    training = part.training.X
    card = card_of(schema, pipeline, part.training)
    several = (training, part.test.X, random_rows(schema, training))
    return {
        "microseconds": microseconds_of_card(card, as_records(schema, part.test.X)),
        "points": number_of_points(card),
        "table_gap": max(largest_gap(schema, pipeline, card, X) for X in several),
        "margin": largest_margin(schema, card, training),
    }


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare the recipe with other models on many tables.")
    usual = [name for name, rival in RIVALS.items() if not rival.is_dear]
    parser.add_argument("tables", nargs="*", help=f"some of: {', '.join(table.name for table in TABLES)}")
    parser.add_argument("--models", nargs="+", choices=RIVALS, default=usual, help="which models to try")
    parser.add_argument("--all", action="store_true", help="try all models, those too that take long")
    parser.add_argument("--again", action="store_true", help="try them again, whatever is kept")
    parser.add_argument("--show", action="store_true", help="only show what is kept")
    parser.add_argument("--write", action="store_true", help="write the table and the chart into docs/")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and write the table and the chart."""
    warnings.simplefilter("ignore")  # of other libraries, about their own doings
    chosen = options()
    tables = [table for table in TABLES if not chosen.tables or table.name in chosen.tables]
    rivals = [*RIVALS] if chosen.all else chosen.models
    if not chosen.show:
        for table in tables:
            measure(table, rivals, chosen.again)
    found = {table.name: Results.load(path_of(table)) for table in tables if path_of(table).exists()}
    print(markdown(found), "", *verdicts(found), sep="\n")
    if chosen.write:
        write(found)


def write(found: Mapping[str, Results]) -> None:
    """Write the tables and the chart into the documents."""
    before, _, rest = DESIGN.read_text(encoding="utf-8").partition(BEGIN)
    text = f"{before}{BEGIN}\n\n{markdown(found)}\n\n{summary(verdicts(found))}\n\n{END}{rest.partition(END)[2]}"
    DESIGN.write_text(text, encoding="utf-8")
    CHART.write_text(chart(found), encoding="utf-8")


if __name__ == "__main__":
    main()
