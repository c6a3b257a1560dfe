"""Rowferry moves history from CSV into SQL, keeps it fed by REST, and never loses or spoils a row on the way."""
