"""Errors of the files that rows come from."""

from rowferry.errors.root import RowferryError, UsageError


class PathMissing(UsageError):
    """{path} does not exist"""

    code = "path.missing"
    hint = "Check the spelling; give a folder that holds <table>.csv files, or such files, or set DATA_DIR."


class FileMissing(PathMissing):
    """{path} does not exist"""

    code = "path.missing"
    hint = "Check the spelling, and the folder in which it is looked for."


class FolderEmpty(UsageError):
    """{path} holds no CSV file of a table"""

    code = "folder.empty"
    hint = "Files are named after their tables: {names}; each may be compressed (.csv.gz, .bz2, .xz, .zst, .zip)."


class SourceUnknown(UsageError):
    """{path} is not named after a table"""

    code = "source.unknown"
    hint = "The tables are {names}. Rename the file to <table>.csv, or say --table TABLE."


class TableUnsaid(UsageError):
    """Standard input has no name that says which table its rows are for"""

    code = "source.unknown"
    hint = "Say --table TABLE. The tables are {names}."


class UrlUnsupported(UsageError):
    """{path} is a URL, and files are loaded from disk only"""

    code = "path.unsupported"
    hint = "Download it first, or pipe it: curl URL | rowferry load - --table TABLE."


class LinkLeadsOutside(UsageError):
    """{path} is a link that leads outside {folder}"""

    code = "path.outside"
    hint = "Put the file itself into the folder, or name it: rowferry load FILE."


class SourceAmbiguous(UsageError):
    """{path} holds more than one file of the table {table}: {files}"""

    code = "source.ambiguous"
    hint = "Keep one of them in the folder, or name the files one by one."


class SourceUnreadable(RowferryError):
    """{path} cannot be read: {reason}"""

    code = "source.unreadable"
    hint = "Check the file and its permissions; the user that runs Rowferry must be able to read it."


class SourceBroken(SourceUnreadable):
    """{path} cannot be read: {reason}"""

    code = "source.unreadable"
    hint = "It is compressed, and it is cut off or damaged: compress it again, or copy it again."


class SourceNotText(RowferryError):
    """{path} is not a CSV file: {reason}"""

    code = "source.not_text"
    hint = "Export it as CSV in UTF-8, or name its character set (--encoding, in a URL ?encoding=)."


class SourceNotCsv(SourceNotText):
    """{path} is not a CSV file: {reason}"""

    code = "source.not_text"
    hint = "{advice}"


class SourceChanged(RowferryError):
    """{path} changed while it was read"""

    code = "source.changed"
    hint = "Load it again once nothing writes to it any more."


class HeaderUnfit(RowferryError):
    """{path}: row {row} looks like a header ({header}): {reason}"""

    code = "source.header"
    hint = "Nothing was loaded. {advice}"


class HeaderMissing(HeaderUnfit):
    """{path} has no header, and that of {other} before it does not have the columns of {table} in their order"""

    code = "source.header"
    hint = (
        "Nothing was loaded. Its columns may stand as in {other}, or as in the table ({columns}): give it the header "
        "that fits, or load it by itself."
    )


class DelimiterUnfit(RowferryError):
    """{path}: its fields are separated by {found}, not by {expected}"""

    code = "source.delimiter"
    hint = "Nothing was loaded. Say {option}."
