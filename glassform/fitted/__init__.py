"""A fitted model, asked and explained: scorecards, classes, pipelines."""
