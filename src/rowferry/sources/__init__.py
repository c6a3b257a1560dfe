"""What rows are read from, one folder for each format."""
