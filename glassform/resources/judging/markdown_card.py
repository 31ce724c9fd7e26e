"""The model card as Markdown, as the Hugging Face Hub reads it; beside it what skops says of a scikit-learn model.

https://huggingface.co/docs/hub/model-cards
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from glassform.fitted.base import Fitted
from glassform.fitted.pipeline import PIPELINE
from glassform.languages import gettext
from glassform.records.field import NOT_KNOWN, Field, Record, Value
from glassform.records.schema import BINARY, NUMBER, Schema
from glassform.web.addresses import whole_address
from glassform.web.asked import asked, fitted, schema

# Licences of data as the Hub names them; it calls all others "other".
LICENCES = {
    *("apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-sa-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "gpl-3.0", "mit", "odbl", "odc-by", "pddl"),
}
# Scores as the Hub names them, by our names of them.
SCORES = {
    **{name: name for name in ("roc_auc", "average_precision", "brier_score", "log_loss", "accuracy")},
    **{"r2": "r_squared", "mae": "mae", "rmse": "rmse"},
}
AT_THE_HUB = re.compile(r"https://huggingface\.co/datasets/([\w.-]+/[\w.-]+)")  # where a dataset has its page
UNKNOWN = "unknown"  # as the Hub calls a licence or a dataset that it does not know
MODELS = ("this", "base_rate", "linear", "boosting")
NO_FIGURE = "-"
LONGEST_KEY = 1000  # characters that YAML reads before a colon, about
MOST_ROWS = 3  # of an example
# What Markdown takes for its own sign anywhere, and what only at the beginning of a line.
SIGNS, AT_THE_BEGINNING = re.compile(r"[\\`*_\[\]<>|~&$]"), re.compile(r"^(?:[-+#=:]|([0-9]+)(?=[.)]))")
# What is no text of YAML, or the end of a line to it.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def written(answer: Any, beside_others: Sequence[str]) -> str:
    """Return the card as a file: what programs read between two lines of dashes, then what people read."""
    card, dictionary = fitted(), schema()
    front = "".join(f"{name}: {as_yaml(value)}\n" for name, value in front_matter(answer, card, dictionary).items())
    parts = (
        *about(answer, dictionary),
        *trained_on(answer, card),
        *how_good(answer, beside_others),
        *for_whom(answer, dictionary),
        *how_to_ask(card, dictionary),
    )
    return f"---\n{front}---\n\n" + "\n\n".join(parts) + "\n"


def front_matter(answer: Any, card: Fitted, dictionary: Schema) -> dict[str, Any]:
    """Return what the Hub reads of a card."""
    task = task_of(dictionary)
    scores = {name: value for name in SCORES if (value := answer["evaluation"].get(name)) is not None}
    at_the_hub = datasets(dictionary.package)
    type_ = next(iter(at_the_hub), UNKNOWN)
    tested = {"type": type_, "name": dictionary.package["title"], "split": "test"}
    metrics = [{"type": SCORES[name], "name": titles()[name], "value": value} for name, value in scores.items()]
    result = {"task": {"type": task}, "dataset": tested, "metrics": metrics}
    return {
        "language": [asked().language],
        **licence(dictionary.package),
        "library_name": "sklearn",
        "pipeline_tag": task,
        "tags": [*dict.fromkeys(["sklearn", "glassform", task, *dictionary.package.get("keywords", [])])],
        **({"datasets": at_the_hub} if at_the_hub else {}),
        "metrics": [SCORES[name] for name in scores],
        "model_format": "pickle",
        "model_file": PIPELINE,
        "widget": [{"structuredData": example(card, dictionary)}],
        "model-index": [{"name": f"{dictionary.name} {card.version}", "results": [result]}],
    }


def licence(package: dict[str, Any]) -> dict[str, str]:
    """Return the data's licence as the Hub writes it, which goes for what was learned from them, too."""
    named = package.get("licenses", [])
    if not named:
        return {"license": UNKNOWN}
    name = named[0].get("name", "")
    if len(named) == 1 and name.lower() in LICENCES:
        return {"license": name.lower()}
    links = [each["path"] for each in named if each.get("path")]
    said = ", ".join(each.get("title") or each.get("name", "") for each in named)
    return {"license": "other", "license_name": said, **({"license_link": links[0]} if links else {})}


def datasets(package: dict[str, Any]) -> list[str]:
    """Return the data's ids on the Hub, as far as their sources name any.

    A table's own name is no id: there may be a stranger's dataset of that name.
    """
    paths = (each.get("path", "") for each in package.get("sources", []))
    return [found[1] for path in paths if (found := AT_THE_HUB.match(path))]


def task_of(dictionary: Schema) -> str:
    """Return the Hub's name for what the model does."""
    return "tabular-regression" if dictionary.task == NUMBER else "tabular-classification"


def example(card: Fitted, dictionary: Schema) -> dict[str, list[Value | None]]:
    """Return some rows as the pipeline reads them, column by column."""
    records = [each["record"] for each in card.examples[:MOST_ROWS]] or [card.typical]
    return {field.name: [cell(field, record) for record in records] for field in dictionary.used}


def cell(field: Field, record: Record) -> Value | None:
    """Return a value as the pipeline reads it: nothing, where a number is not known."""
    value = record[field.name]
    return None if field.has_gaps and value == NOT_KNOWN else value


def as_yaml(value: Any) -> str:
    """Return plain data as one line of YAML: JSON, but for the few things that YAML 1.1 takes for something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_key(name)}: {as_yaml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and "." not in text:
        return text.replace("e", ".0e")  # else a text
    return UNPRINTABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def as_key(name: str) -> str:
    """Return a name as a key of YAML, which a long one has to be marked as."""
    return f"? {as_yaml(name)} " if len(name) > LONGEST_KEY else as_yaml(name)


def in_line(text: Any) -> str:
    """Return a text so that Markdown shows it as it is, within a line."""
    return SIGNS.sub(r"\\\g<0>", " ".join(str(text).split()))


def plain(text: Any) -> str:
    """Return a text so that Markdown shows it as it is, in a line of its own."""
    return AT_THE_BEGINNING.sub(lambda sign: f"{sign[1]}\\" if sign[1] else f"\\{sign[0]}", in_line(text))


def link(named: dict[str, str]) -> str:
    """Return a source, a licence or a reference, with its link if it has one."""
    title, path = in_line(named.get("title") or named.get("name", "")), named.get("path", "")
    return f"[{title}](<{path.replace('<', '%3C').replace('>', '%3E')}>)" if path else title


def listed(header: Sequence[str], rows: Iterable[Sequence[Any]], texts: int = 1) -> str:
    """Return a table, its first columns texts and the others numbers."""
    marks = ["---"] * texts + ["---:"] * (len(header) - texts)
    lines = [[in_line(each) for each in header], marks, *([in_line(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def about(answer: Any, dictionary: Schema) -> Iterator[str]:
    """Yield what the model answers, what it is for and what it is not for."""
    yield f"# {plain(answer['question'])}"
    yield plain(dictionary.own["note"])
    yield f"## {gettext('What it is for')}"
    yield plain(answer.get("purpose") or gettext("Nobody has said so yet."))
    yield f"## {gettext('What must it not be used for?')}"
    yield plain(answer.get("misuse") or gettext("Nobody has said so yet. Decide nothing important with it."))
    if answer.get("limits"):
        yield f"## {gettext('What the data cannot tell')}"
        yield "\n".join(f"- {plain(limit)}" for limit in answer["limits"])
    if answer.get("references"):
        yield "\n".join(f"- {link(each)}" for each in answer["references"])


def trained_on(answer: Any, card: Fitted) -> Iterator[str]:
    """Yield where the data come from, and the fields of a record."""
    data = answer["data"]
    yield f"## {gettext('Training data')}"
    yield plain(data["description"])
    for said, named in ((gettext("Data:"), data["sources"]), (gettext("Licence:"), data["licenses"])):
        if named:
            yield f"{said} {'; '.join(map(link, named))}"
    parts = [(gettext("Training"), card.training["rows"]), (gettext("Test"), answer["evaluation"]["rows"])]
    yield listed([gettext("Part"), gettext("Rows")], [(name, f"{rows:,}") for name, rows in parts])
    fields = [(each["title"], each["feature"], values_of(each), each["description"]) for each in answer["features"]]
    header = [gettext("Field"), gettext("Name for programs"), gettext("Values"), gettext("Meaning")]
    yield listed(header, fields, texts=4)


def values_of(feature: dict[str, Any]) -> str:
    """Return what values a field has, in words."""
    if "categories" in feature:
        return gettext("%(count)s categories", count=len(feature["categories"]))
    if "observed" in feature:
        seen = feature["observed"]
        said = gettext("%(low)s to %(high)s seen", low=seen["minimum"], high=seen["maximum"])
    else:
        said = gettext("%(low)s to %(high)s", low=feature["minimum"], high=feature["maximum"])
    return f"{said} {feature['unit']}".strip()


def titles() -> dict[str, str]:
    """Return the scores by name, and what each is called."""
    return {
        "roc_auc": "ROC AUC",
        "average_precision": gettext("Average precision"),
        "brier_score": gettext("Brier score"),
        "log_loss": gettext("Log loss"),
        "accuracy": gettext("Accuracy"),
        "r2": "R²",
        "mae": gettext("Mean error"),
        "rmse": gettext("Root mean squared error"),
    }


def how_good(answer: Any, beside_others: Sequence[str]) -> Iterator[str]:
    """Yield the scores with their intervals, beside those of simpler and of opaque models."""
    measured, words = answer["evaluation"], schema().words
    yield f"## {gettext('How good is it?')}"
    rows = f"{measured['rows']:,}"
    yield plain(
        gettext("All figures come from %(rows)s %(cases)s the model has not seen.", rows=rows, cases=words["cases"])
    )
    header = [
        gettext("Score"),
        *(gettext("This model"), gettext("Interval (95%)"), gettext("One answer for all")),
        *(gettext("Regression, straight lines"), gettext("Boosting, hundreds of trees")),
    ]
    yield listed(header, [scored(measured, *named) for named in titles().items() if named[0] in measured])
    if beside_others:
        yield plain(" ".join(beside_others))


def scored(measured: dict[str, Any], name: str, title: str) -> list[str]:
    """Return a row of scores: this model's, the ends of its interval, and those of the others."""
    ends = measured["intervals"].get(name)
    ours, *others = (figure(measured["comparison"][model].get(name)) for model in MODELS)
    between = gettext("%(low)s to %(high)s", low=figure(ends[0]), high=figure(ends[1])) if ends else NO_FIGURE
    return [title, ours, between, *others]


def figure(number: float | None) -> str:
    """Return a figure, if there is one."""
    return NO_FIGURE if number is None else f"{number:,.4g}"


def for_whom(answer: Any, dictionary: Schema) -> Iterator[str]:
    """Yield how well the model serves each group."""
    yield f"## {gettext('For whom?')}"
    if not answer["groups"]:
        yield gettext("No groups to compare are named in the table's description.")
        return
    is_binary = dictionary.task == BINARY
    names = ["roc_auc", "brier_score"] if is_binary else ["mae"] if dictionary.task == NUMBER else ["accuracy"]
    header = [gettext("Field"), gettext("Group"), gettext("Rows"), *(titles()[name] for name in names)]
    rows = [
        [field.title, title, f"{measured['rows']:,}", *(figure(measured[name]) for name in names)]
        for field in (dictionary.by_name[name] for name in answer["groups"])
        for title, measured in groups_of(answer["groups"][field.name], field, is_binary)
    ]
    yield listed(header, rows, texts=2)


def groups_of(found: Any, field: Field, is_binary: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the title and the figures of every group of a field."""
    if is_binary:
        yield from ((each["title"], {**each, "rows": each["observed"]["total"]}) for each in found["groups"])
    else:
        yield from ((field.title_of(category), measured) for category, measured in found.items())


def how_to_ask(card: Fitted, dictionary: Schema) -> Iterator[str]:
    """Yield how to ask the model here, and what skops and the Hub want to know of its scikit-learn pipeline."""
    record = json.dumps(card.typical, ensure_ascii=False)
    command = ["curl", whole_address("probability"), "-H", "Content-Type: application/json", "-d", record]
    heading = gettext("How to ask it")  # a text to translate is found outside of another one alone
    yield f"## {heading}"
    yield f"```sh\n{shlex.join(command)}\n```"
    yield in_line(
        gettext(
            "%(file)s is the scikit-learn pipeline of version %(version)s; it may need this project's code, too. "
            "Open it only if its SHA-256 is %(hash)s: to load it runs what is in it. Save this as config.json "
            "beside it:",
            file=PIPELINE,
            version=card.version,
            hash=card.training["sha256"][PIPELINE],
        )
    )
    facts = {
        "columns": [field.name for field in dictionary.used],
        "environment": [f"scikit-learn={card.training['scikit_learn']}"],
        "example_input": example(card, dictionary),
        "model": {"file": PIPELINE},
        "model_format": "pickle",
        "task": task_of(dictionary),
        "use_intelex": False,
    }
    lines = ",\n".join(f'    "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in facts.items())
    yield f'```json\n{{\n  "sklearn": {{\n{lines}\n  }}\n}}\n```'
