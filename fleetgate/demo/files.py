"""Atomic replacement of manifest files, so that a watcher never reads half a file."""

from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Replace a file by one rename, or remove it where the text is empty.

    An empty file would keep its old objects, since fleetgate takes it for one that is being
    written.
    """
    if not text.strip():
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f".{path.name}~")  # watchers ignore hidden files
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
