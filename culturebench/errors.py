"""The one exception that a user is meant to read: printed as a single message, without a traceback."""


class CultureBenchError(Exception):
    """Says what was wrong, what is allowed, and where to change it."""
