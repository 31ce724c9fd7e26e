"""What Python programs and notebooks use: a saved model loaded, estimators, their charts as HTML."""
