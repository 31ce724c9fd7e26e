"""A class that guesses before the model answers: its lesson, its people, its guesses and their scores."""
