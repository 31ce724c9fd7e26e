"""A transparent model behind a web form and a REST API: the rooms behind `server.py`, `model.py` and `score.py`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassform.notebook.estimators import GlassClassifier as GlassClassifier
    from glassform.notebook.estimators import GlassRegressor as GlassRegressor
    from glassform.notebook.loading import load as load

# What programs and notebooks use, and the module behind each; it is imported with the first use.
PUBLIC = {
    "load": "glassform.notebook.loading",
    "GlassClassifier": "glassform.notebook.estimators",
    "GlassRegressor": "glassform.notebook.estimators",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'glassform' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    """List the public names too."""
    return sorted({*globals(), *PUBLIC})
