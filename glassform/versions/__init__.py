"""Which versions there are, and which is served."""
