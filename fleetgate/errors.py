"""Mistakes of the operator: one clear sentence, and exit status 2."""


class OperatorError(Exception):
    """Something about the environment or the call that fleetgate cannot work with.

    The text is the whole message: what, where, what now.
    """


def operator_error(error: BaseException) -> OperatorError | None:
    """The operator's mistake behind an exception, also inside the groups of cancelled tasks."""
    if isinstance(error, OperatorError):
        return error
    if isinstance(error, BaseExceptionGroup):
        found = (operator_error(inner) for inner in error.exceptions)
        return next((mistake for mistake in found if mistake), None)
    return None
