"""What a record is: fields, values, messages, the data package."""
