"""`python -m glassform.versions` manages the versions of the model."""

from glassform.versions.registry import main

main()
