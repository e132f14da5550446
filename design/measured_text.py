"""A cycler's file as lines of text: its encoding, and the kinds of files that are no text."""

from pathlib import Path

from electrograd.physics.errors import InputError

_BINARY = {
    b"PK\x03\x04": "an Excel workbook or another ZIP archive",
    b"PAR1": "a Parquet file",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BIO-LOGIC MODULAR FILE": "a binary BioLogic file (.mpr)",
    b"\x00\x01\x00\x00Standard": "an Access database, such as an Arbin .res file",
    b"NEWARE": "a binary Neware file (.nda, .ndax)",
    b"\x1f\x8b": "a compressed file",
}
_MARKS = (("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"))
_CHINESE = ("电流", "电压", "时间", "電流", "電壓", "時間")


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file in UTF-8, UTF-16, GBK or Latin-1.

    Raises
    ------
    InputError
        If there is no such file, or it is none of text; the message says what it is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("a measured curve must be a file", error.strerror, where=str(path)) from error
    for start, kind in _BINARY.items():
        if content.startswith(start):
            raise _no_text(kind, path)
    text = _decoded(content)
    if text is None or "\x00" in text:
        raise _no_text("a binary file", path)
    return text.splitlines()


def _no_text(kind: str, path: Path) -> InputError:
    return InputError(
        "a measured curve must be a file of text",
        kind,
        "an export of the cycler's or the spreadsheet's program as CSV or text",
        str(path),
    )


def _decoded(content: bytes) -> str | None:
    """The text of a file; None if it is in no encoding that is known here."""
    for encoding, mark in _MARKS:
        if content.startswith(mark):
            return _tried(content, encoding)
    zeros = content[:2000].count(b"\x00")
    if zeros > len(content[:2000]) / 4:  # UTF-16 without a mark: every second byte of Latin letters
        return _tried(content, "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be")
    text = _tried(content, "utf-8")
    if text is not None:
        return text
    chinese = _tried(content, "gb18030")
    if chinese is not None and any(word in chinese for word in _CHINESE):
        return chinese
    return content.decode("latin-1")


def _tried(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None
