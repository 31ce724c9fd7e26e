"""The model judged: its card, its points, its versions."""
