"""Compiles the mails' layout from MJML to HTML: `python -m services.notifications.templates.build`."""

from pathlib import Path
from typing import Final

from mjml import mjml2html

HERE: Final = Path(__file__).parent
SOURCE: Final = HERE / "layout.mjml"
COMPILED: Final = HERE / "layout.html"


def compiled() -> str:
    """The layout as mail programs understand it, still a template; no address of ours or others in it."""
    return str(mjml2html(SOURCE.read_text(encoding="utf-8"), disable_comments=False, fonts={})) + "\n"


if __name__ == "__main__":
    COMPILED.write_text(compiled(), encoding="utf-8")
