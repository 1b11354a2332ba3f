"""One call to a simulated platform, from its parameters to its answer, faults included."""

from abc import ABC, abstractmethod

from tasks.sandbox.memory.exchange import Answer, Call, Platform, Refused, Target
from tasks.sandbox.memory.faults import CALL_KINDS, FaultSpec
from tasks.sandbox.memory.state import State

HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
HTML_TYPE = "text/html"
REFUSALS = frozenset({"error", "expired_session", "unauthorised_shop"})


class Simulated(ABC):
    """One platform: parameters in, reply out."""

    platform: Platform

    def __init__(self, state: State) -> None:
        self.state = state

    @abstractmethod
    def target(self, call: Call) -> Target:
        """Whom the call concerns, by its own word."""

    @abstractmethod
    def answer(self, call: Call, target: Target) -> Answer:
        """The reply to the call. Raises `Refused`."""

    @abstractmethod
    def refusal(self, call: Call, refused: Refused) -> Answer:
        """The platform's way to refuse."""

    @abstractmethod
    def fault_refusal(self, fault: FaultSpec) -> Refused:
        """What a fault of the kinds error, expired_session and unauthorised_shop answers."""


def respond(simulated: Simulated, call: Call) -> Answer:
    """The answer to the call, noted in the book. What the call changes has happened when this returns.

    Of several faults that hit, the first that stands in for the call decides; those that follow it (slow, cut_after,
    truncated garbage) all take part.
    """
    target = simulated.target(call)
    fired = simulated.state.faults.fire(target, CALL_KINDS)
    try:
        answer = _instead(simulated, fired, target, call.now) or simulated.answer(call, target)
    except Refused as refused:
        answer = simulated.refusal(call, refused)
    for fault in fired:
        _afterwards(fault, answer)
    simulated.state.book.note(call.now, target, answer.code, answer.items)
    return answer


def _instead(simulated: Simulated, fired: list[FaultSpec], target: Target, now: float) -> Answer | None:
    for fault in fired:
        if fault.kind in REFUSALS:
            raise simulated.fault_refusal(fault)
        if fault.kind == "ban":
            _ban(simulated.state, fault, target, now)
        elif fault.kind == "http":
            page = HTML.format(f"{fault.status} from the sandbox").encode()
            return Answer(page, f"http {fault.status}", status=fault.status, content_type=HTML_TYPE)
        elif fault.kind == "cut":
            return Answer(b"", "cut", cut=True)
        elif fault.kind == "garbage" and fault.form != "truncated":
            body = HTML.format("Welcome").encode() if fault.form == "html" else bytes(range(256))
            return Answer(body, "garbage", content_type=HTML_TYPE)
    return None


def _ban(state: State, fault: FaultSpec, target: Target, now: float) -> None:
    """The ban is the app's for that API, so it outlives the fault and meets every caller."""
    if target.app:
        state.named(fault.platform, target.app).ban(target.api, now + fault.seconds, fault.sub_code)


def _afterwards(fault: FaultSpec, answer: Answer) -> None:
    if fault.kind == "slow":
        answer.delay += fault.seconds
    elif fault.kind == "cut_after":
        answer.code, answer.cut = "cut_after", True
    elif fault.kind == "garbage" and fault.form == "truncated":
        answer.code, answer.body = "truncated", answer.body[: len(answer.body) // 2]
