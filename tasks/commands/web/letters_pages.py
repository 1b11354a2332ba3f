"""Dead letters: grouped by reason, one by one, their contents only on request; replaying and dropping them."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tasks.commands.letters.choice import Choice
from tasks.commands.letters.replaying import send, sift
from tasks.commands.web import looking
from tasks.commands.web.pages import ROWS, paged
from tasks.commands.web.rendering import page
from tasks.commands.web.sessions import note
from tasks.rules.redriving import next_redrive
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.web import Session

GROUPS = 100
FILTERS = ("account", "topic", "reason")
MOST = 50_000
"""So many letters are replayed or dropped at a time: more take longer than anybody waits for a page."""


def letters(request: Request, session: Session) -> Response:
    """Letters by reason and topic, or those that were chosen, the latest first."""
    looking.latest()
    chosen = choice(request.query_params)
    ids = found(chosen)[::-1]
    number, pages = paged(request, len(ids))
    some = list(stores().letters.many(ids[(number - 1) * ROWS : number * ROWS]))
    return page(
        request,
        "letters.html",
        session,
        groups=[] if chosen else looking.looking().groups[:GROUPS],
        letters=some,
        asked=asked(request.query_params),
        chosen=bool(chosen),
        total=len(ids),
        number=number,
        pages=pages,
    )


def letter(request: Request, session: Session) -> Response:
    """One letter, without what the message says."""
    return one(request, session, request.query_params.get("id", ""), whole=False)


def show(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """The same with everything in it: buyers' data. It is noted who saw it."""
    id_ = form.get("id", "")
    if stores().letters.buried([id_]):
        note(request, session, "show letter", id_)
    return one(request, session, id_, whole=True)


def one(request: Request, session: Session, id_: str, *, whole: bool) -> Response:
    """A letter's page."""
    found = stores().letters.get(id_) if id_ else None
    if found is None:
        return page(request, "missing.html", session, status=404)
    redriven = stores().letters.redriven([id_]).get(id_)
    again = next_redrive(redriven[1], redriven[0], settings().redrive_ages) if redriven else None
    return page(request, "letter.html", session, letter=found, whole=whole, again=again)


def replay(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """Hand the messages of letters to their handlers once more, as `letters replay` does; of many, after a question."""
    ids = wanted(form)
    if len(ids) > 1 and form.get("sure") != "yes":
        return question(request, session, form, len(ids), "replay")
    messages, replies, _, _ = sift(ids)
    sent = send(replies) + send(messages)
    if sent:
        note(request, session, "replay letters", told(form, sent))
    return back("replayed" if sent else "none", sent)


def drop(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """Throw letters away, after a question."""
    ids = wanted(form)
    if form.get("sure") != "yes":
        return question(request, session, form, len(ids), "drop")
    dropped = stores().letters.drop(ids)
    if dropped:
        note(request, session, "drop letters", told(form, dropped))
    return back("dropped" if dropped else "none", dropped)


def question(request: Request, session: Session, form: Mapping[str, str], number: int, what: str) -> Response:
    """Whether it is meant."""
    return page(request, "question.html", session, asked=asked(form), id=form.get("id", ""), number=number, what=what)


def asked(fields: Mapping[str, str]) -> dict[str, str]:
    """The filters that were given."""
    return {name: fields.get(name, "")[:1000] for name in FILTERS}


def choice(fields: Mapping[str, str]) -> Choice:
    """The letters that these fields choose; empty ones leave everybody in."""
    account, topic, reason = (text or None for text in asked(fields).values())
    return Choice((fields["id"],) if fields.get("id") else (), account, topic, reason)


def found(chosen: Choice) -> list[str]:
    """The ids of letters that fit, the oldest first."""
    return chosen.find(stores().letters, stores().clock.now()).ids


def wanted(form: Mapping[str, str]) -> Sequence[str]:
    """The same for something that is done to them: nothing chosen is nothing, not everything."""
    chosen = choice(form)
    return found(chosen)[:MOST] if chosen else ()


def told(form: Mapping[str, str], number: int) -> str:
    """Which letters, for the audit."""
    chosen = [form.get("id", ""), *asked(form).values()]
    return f"{number}: {' · '.join(filter(None, chosen))}"


def back(done: str, number: int) -> Response:
    """To the letters, where it is said what was done."""
    return RedirectResponse(f"/letters?{urlencode({'done': done, 'n': number})}", 303)
