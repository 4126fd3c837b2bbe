"""What a page says and where it leads, taken from its HTML as a reader would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page:
    """The words of a page, its addresses, and the names of its elements."""

    words: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.elements.append((tag, given))
        for name in ("href", "src", "action", "hx-get", "hx-post", "data-poll", "data-priors", "data-displayed"):
            if name in given:
                self.page.addresses.append(given[name])
        self.page.words += [given[name] for name in ("title", "placeholder", "aria-label") if name in given]

    def handle_data(self, data: str) -> None:
        self.page.words.append(data)


def read(html: bytes | str) -> Page:
    reader = _Reader()
    reader.feed(html.decode() if isinstance(html, bytes) else html)
    return reader.page
