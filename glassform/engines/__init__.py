"""Many more records: DuckDB, Spark, any engine of Ibis; the model as one SELECT."""
