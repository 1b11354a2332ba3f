"""Makes pages of templates, in the reader's language. Everything in them is escaped."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale
from babel.dates import format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tasks import clock
from tasks.clock import SHANGHAI
from tasks.commands.sentences import Language
from tasks.commands.status.attention import needs_somebody
from tasks.commands.web import words
from tasks.rules.circuit_breaker import WITHOUT_END
from tasks.store.web import Session
from tasks.text import shown

FOLDER = Path(__file__).parent
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
"""What pages are written in: babel's name, and HTML's."""

BETWEEN = {"en": "; ", "zh": "；"}
"""Stands between two clauses."""

COMMAND = re.compile("`([^`]+)`")

LONGEST_TEXT = 600
HEADERS = {"vary": "Accept-Language, Cookie"}


def page(
    request: Request, template: str, session: Session | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page for whoever is logged in."""
    language = spoken(request.headers.get("accept-language", ""))
    said = done(request, language) if session else ""
    made = environment(language).get_template(template)
    html = made.render(session=session, path=request.url.path, done=said, **values)
    return HTMLResponse(html.encode("utf-8", "replace"), status, HEADERS)


def done(request: Request, language: str) -> str:
    """What is to be said of what was done before this page was asked for: one of our own sentences, whatever the address says."""
    sentence = words.DONE.get(request.query_params.get("done", ""))
    count = request.query_params.get("n", "0")
    if sentence is None:
        return ""
    number = (
        format_decimal(int(count), locale=language) if count.isascii() and count.isdigit() and len(count) < 8 else "?"
    )
    return translated(language, sentence) % {"count": number}


def spoken(accepted: str) -> str:
    """The language of ours that a reader likes best, by its Accept-Language."""
    weighed = []
    for place, each in enumerate(accepted.split(",")[:20]):
        name, _, weight = each.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, name.strip()))
        except ValueError:
            continue
    wanted = [name.partition("-")[0].casefold() for _, _, name in sorted(weighed)]
    return negotiate_locale(wanted, list(LANGUAGES)) or "en"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Our words in that language; empty for English, which they are written in."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id and each.string}


def translated(language: str, text: str) -> str:
    """A text of ours in that language."""
    return catalogue(language).get(text, text)


@cache
def environment(language: str) -> Environment:
    """Templates, and what they may call."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda text: translated(language, text),
        lambda one, many, n: translated(language, one if n == 1 else many),
        newstyle=True,
    )
    tongue = speech(language)
    made.globals |= {
        "words": words,
        "lang": LANGUAGES[language],
        "without_end": WITHOUT_END,
        "needs_somebody": needs_somebody,
    }
    made.filters |= {
        "number": lambda value: number(value, language),
        "span": lambda value: span(value, language),
        "moment": moment,
        "iso": lambda at: datetime.fromtimestamp(at, SHANGHAI).isoformat(timespec="seconds"),
        "day": lambda at: f"{datetime.fromtimestamp(at, SHANGHAI):%Y-%m-%d}",
        "said": lambda said: with_commands(shown(said.told(tongue), LONGEST_TEXT)),
        "commands": with_commands,
        "shown": lambda text: shown(text, LONGEST_TEXT),
        "readable": readable,
        "ago": lambda at: span(clock.now() - at, language),
    }
    return made


def with_commands(text: str) -> Markup:
    """A sentence in which what stands between backticks is to be typed."""
    pieces = enumerate(COMMAND.split(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(each) if place % 2 else escape(each) for place, each in pieces
    )


def speech(language: str) -> Language:
    """How sentences of `status` are told in that language."""
    return Language(
        partial(translated, language),
        partial(number, language=language),
        partial(span, language=language),
        BETWEEN[language],
    )


def number(value: float | None, language: str) -> str:
    """A number as that language writes it, to few places; a dash for none."""
    if value is None:
        return "–"
    small = value and abs(value) < 10 and value != int(value)
    return format_decimal(round(value, 2 if small else 0), locale=Locale.parse(language))


def span(seconds: float | None, language: str) -> str:
    """A span of time in few words; a dash for none."""
    if seconds is None:
        return "–"
    return format_timedelta(max(0, round(seconds)), threshold=1.5, format="short", locale=Locale.parse(language))


def moment(at: float) -> str:
    """A time of day in the platforms' zone (GMT+8)."""
    return f"{datetime.fromtimestamp(at, SHANGHAI):%Y-%m-%d %H:%M:%S}"


def readable(text: str) -> str:
    """A text of several lines in which nothing acts on what shows it."""
    return "\n".join(shown(line, len(line)) for line in text.split("\n"))
