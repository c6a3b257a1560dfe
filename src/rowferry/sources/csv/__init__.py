"""CSV files: what a file is, and how it becomes batches of rows."""
