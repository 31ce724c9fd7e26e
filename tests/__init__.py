"""The tests: one file per module, then the doors, the pages, the documents, the architecture."""
