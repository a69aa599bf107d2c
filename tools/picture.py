"""Draws a report in Markdown as a forge shows it: a picture made by headless Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from PIL import Image, ImageChops

WIDTH: Final = 1180
_HEIGHT: Final = 4000
"""Pixels that are drawn; what stays empty is cut off."""
_MARGIN: Final = 24
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_QUIET: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
"""The page is a file without scripts; the browser shall ask no one for anything."""
_PAGE: Final = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px/1.5 "Liberation Sans", Arial, sans-serif; color: #1f2328; margin: {margin}px; }}
h3 {{ font-size: 20px; margin: 0 0 12px; }}
table {{ border-collapse: collapse; margin: 0 0 16px; }}
th, td {{ border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left; vertical-align: top; }}
tr:nth-child(2n) {{ background: #f6f8fa; }}
code {{ font: 85% "Liberation Mono", monospace; background: #818b981f; border-radius: 6px; padding: 2px 5px; }}
blockquote {{ border-left: 4px solid #9a6700; margin: 0 0 16px; padding: 0 16px; }}
blockquote .title {{ color: #9a6700; font-weight: bold; margin: 0; }}
blockquote ul {{ margin: 4px 0; padding-left: 20px; }}
sub {{ font-size: 80%; vertical-align: baseline; }}
p {{ margin: 0 0 12px; }}
</style><body>{body}</body>"""


def draw_markdown(text: str, path: Path) -> None:
    """Draw the text as a picture in PNG."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("There is no Chromium to draw the report with; install it first, on Debian: apt-get install chromium")
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    # Forges draw a quotation that begins like this as a warning.
    body = re.sub(r"<p>\[!WARNING\]</p>", '<p class="title">⚠ Warning</p>', body)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(_PAGE.format(margin=_MARGIN, body=body), "utf-8")
        drawn = Path(folder) / "report.png"
        subprocess.run(
            [
                browser,
                *_QUIET,
                f"--user-data-dir={folder}/profile",
                f"--window-size={WIDTH},{_HEIGHT}",
                f"--screenshot={drawn}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        _cut(drawn, path)


def _cut(drawn: Path, path: Path) -> None:
    """Cut off what is empty below."""
    with Image.open(drawn) as image:
        picture = image.convert("RGB")
    empty = Image.new("RGB", picture.size, "white")
    found = ImageChops.difference(picture, empty).getbbox()
    bottom = (found[3] if found else 0) + _MARGIN
    path.parent.mkdir(exist_ok=True)
    picture.crop((0, 0, WIDTH, bottom)).quantize(64).save(path, optimize=True)
