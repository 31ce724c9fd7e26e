"""A CSV file of your own becomes a data package."""
