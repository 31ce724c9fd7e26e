"""How a request is read and how an answer is shown."""
