"""The dialects of SQL."""

DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "mysql", "sqlite")  # of SQL it can be written in
EMBEDDED, SPARK = "duckdb", "spark"
SQLGLOT_NAMES = {"pyspark": "spark"}  # where sqlglot's name is not Ibis's
RAISES = {"duckdb": "error", "spark": "raise_error"}  # an engine's function that stops a query
