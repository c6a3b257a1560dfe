"""The one judge of rows: keys, references, verdicts and rejects."""
