"""A database of tests by plain SQLAlchemy: SQLite without any of the ways that make it fast."""
