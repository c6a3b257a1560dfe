"""SQLite: an embedded database file."""
