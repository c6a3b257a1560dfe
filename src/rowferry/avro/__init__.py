"""Avro object container files, as the format says: containers, codecs, fields, schemas read and written."""
