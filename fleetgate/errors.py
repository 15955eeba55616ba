"""Errors for mistakes of the operator, which commands print before they exit with status 2."""


class OperatorError(Exception):
    """The call or the environment does not let fleetgate do its work.

    The text is one sentence that names the mistake, its place, and the step that mends it.
    """


def operator_error(error: BaseException) -> OperatorError | None:
    """Return the first OperatorError of an exception or of a group, None where there is none."""
    if isinstance(error, OperatorError):
        return error
    if isinstance(error, BaseExceptionGroup):
        mistakes = (operator_error(inner) for inner in error.exceptions)
        return next((mistake for mistake in mistakes if mistake), None)
    return None
