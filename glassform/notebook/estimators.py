"""The estimators for scikit-learn as notebooks show them: a fitted one as its scorecard, its answers as ledgers."""

from typing import Any

from glassform.learning.glass import Classifier, Glass, Regressor
from glassform.notebook.drawing import Answer, scorecard_drawn
from glassform.notebook.loading import Model


class Drawn(Glass):
    """What notebooks show of an estimator."""

    def explain(self, X: Any) -> list[Answer]:
        """Return the answer for each row with every term; a notebook draws each of them."""
        return [Answer(self.scorecard_, each) for each in super().explain(X)]

    def to_model(self) -> Model:
        """Return what `load` returns of a saved model, to ask it by the names of its fields.

        Its `predict` gives classes as text: "1" where the estimator gives 1.
        """
        return Model(self._fitted())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Return what a notebook shows: the scorecard or, before there is one, what scikit-learn shows."""
        shown: dict[str, str] = super()._repr_mimebundle_(**options)
        if "text/html" in shown and hasattr(self, "scorecard_"):
            shown["text/html"] = scorecard_drawn(self.scorecard_)
        return shown

    def _repr_html_(self) -> str:
        """Return the same for notebooks that take HTML alone."""
        return self._repr_mimebundle_().get("text/html", "")


class GlassClassifier(Drawn, Classifier):
    """Classify rows by a model that is a table of points: two classes, or several.

    Parameters
    ----------
    pairs
        Whether pairs of fields may have points of their own, where they say more together than apart; or the pairs
        of columns to use.
    """


class GlassRegressor(Drawn, Regressor):
    """Predict a number by a model that is a table of points.

    Parameters
    ----------
    pairs
        Whether pairs of fields may have points of their own, where they say more together than apart; or the pairs
        of columns to use.
    """
