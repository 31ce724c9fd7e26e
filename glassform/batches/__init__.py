"""Many records in one request: CSV, JSON, JSON lines, tensors."""
