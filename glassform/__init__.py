"""A transparent model behind a web form and a REST API: the rooms behind `server.py`, `model.py` and `score.py`."""
