"""Backups: files that prove themselves, and where they are kept."""
