"""Writing manifests so that whoever watches sees the old ones or the new ones, never a part."""

from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Put a file in place whole, or remove it where there is nothing left to say.

    A file that is merely empty means that somebody is writing it: its objects would stay.
    """
    if not text.strip():
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f".{path.name}~")  # file watchers leave such names out
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
