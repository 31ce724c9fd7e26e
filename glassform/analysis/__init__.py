"""What follows from a model: changes, thresholds, decisions, drift."""
