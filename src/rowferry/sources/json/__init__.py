"""JSON bodies and files of batches: how they become batches of rows."""
