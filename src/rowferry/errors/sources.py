"""Errors of the files that rows come from."""

from rowferry.errors.root import RowferryError, UsageError


class PathMissing(UsageError):
    """{path} does not exist"""

    code = "path.missing"
    hint = "Check the spelling; give a folder that contains <table>.csv files, or such files, or set DATA_DIR."


class FileMissing(PathMissing):
    """{path} does not exist"""

    code = "path.missing"
    hint = "Check the spelling, and the folder that it should be in."


class FolderEmpty(UsageError):
    """{path} contains no CSV file of a table"""

    code = "folder.empty"
    hint = (
        "Name the files after their tables: {names}; each may be compressed (.csv.gz, .bz2, .xz, .zst, .zip). "
        "`rowferry models from-csv FOLDER` proposes tables for other files."
    )


class SourceUnknown(UsageError):
    """{path} is not named after a table"""

    code = "source.unknown"
    hint = (
        "The tables are {names}. Rename the file to <table>.csv, or use --table TABLE. `rowferry models from-csv "
        "FOLDER` proposes tables for other files (docs/howto/own-tables.md)."
    )


class TableUnsaid(SourceUnknown):
    """Standard input has no name to show which table its rows are for"""

    code = "source.unknown"
    hint = "Use --table TABLE. The tables are {names}."


class UrlUnsupported(UsageError):
    """{path} is a URL, but only files on disk can be loaded"""

    code = "path.unsupported"
    hint = "Download it first, or pipe it: curl URL | rowferry load - --table TABLE."


class LinkLeadsOutside(UsageError):
    """{path} is a link that points outside {folder}"""

    code = "path.outside"
    hint = "Put the file itself into the folder, or name it: rowferry load FILE."


class SourceAmbiguous(UsageError):
    """{path} contains more than one file for the table {table}: {files}"""

    code = "source.ambiguous"
    hint = "Keep one of them in the folder, or name the files one by one."


class SourceUnreadable(RowferryError):
    """Cannot read {path}: {reason}"""

    code = "source.unreadable"
    hint = "Check the file and its permissions; the user that runs Rowferry must be able to read it."


class SourceBroken(SourceUnreadable):
    """Cannot read {path}: {reason}"""

    code = "source.unreadable"
    hint = "The compressed file is incomplete or damaged: compress it again, or copy it again."


class SourceNotText(RowferryError):
    """{path} is not a CSV file: {reason}"""

    code = "source.not_text"
    hint = "Export it as CSV in UTF-8, or name its character set (--encoding, in a URL ?encoding=)."


class SourceNotCsv(SourceNotText):
    """{path} is not a CSV file: {reason}"""

    code = "source.not_text"
    hint = "{advice}"


class SourceChanged(RowferryError):
    """{path} changed while it was being read"""

    code = "source.changed"
    hint = "Load it again once nothing writes to it any more."


class HeaderUnfit(RowferryError):
    """{path}: row {row} looks like a header ({header}): {reason}"""

    code = "source.header"
    hint = "Nothing was loaded. {advice}"


class HeaderMissing(HeaderUnfit):
    """{path} has no header, and the header of {other}, read before it, does not list the columns of {table} in order"""

    code = "source.header"
    hint = (
        "Nothing was loaded. Its columns may be in the order of {other} or in that of the table ({columns}): add the "
        "header that fits, or load the file by itself."
    )


class DelimiterUnfit(RowferryError):
    """{path}: its fields are separated by {found}, not by {expected}"""

    code = "source.delimiter"
    hint = "Nothing was loaded. Use {option}."
