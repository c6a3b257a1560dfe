"""Avro files: how they become batches of rows."""
