"""What can be wrong with handlers at start-up, as one tree.

HandlersError
├── BadHandler       a function that cannot be called with a message
├── BadAround        a function that cannot stand around handlers
├── BadSetting       a variable that something in the box reads cannot be used
├── BadResource      a resource that cannot be made, or that nobody makes
├── DuplicateTopic   two functions ask for the same topic
└── NotLoaded        a module of handlers cannot be imported
"""


class HandlersError(Exception):
    """The handlers cannot be used; the text says which, where it is, and what to write instead."""


class BadHandler(HandlersError):
    """The function cannot be a handler, or its topic is none."""


class BadAround(HandlersError):
    """The function cannot stand around handlers."""


class BadSetting(HandlersError):
    """A variable of the environment that something in the box reads is missing or wrong; the text says what to set."""


class BadResource(HandlersError):
    """A function asks for what is no resource, or a resource that nothing can make; the text names who asks, and who is near."""


class DuplicateTopic(HandlersError):
    """Two functions ask for the same topic; the text names where both are."""


class NotLoaded(HandlersError):
    """A module that `TIDINGS_HANDLERS` names, or one inside it, cannot be imported."""
