"""What can be asked over HTTP: one module per noun, and `reading`, which all of them share."""
