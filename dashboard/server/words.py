"""The words of text panels for a browser: Markdown as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from dashboard.drawing.drawings import Drawing

# HTML within the words is shown, not obeyed, and a link leads to no script.
MARKDOWN = MarkdownIt("commonmark", {"html": False})


def for_browser(drawing: Drawing) -> Drawing:
    """Return a drawing with its words as HTML, if it has words."""
    return drawing | {"html": MARKDOWN.render(drawing["text"])} if drawing["kind"] == "text" else drawing
