"""What can go wrong with a vision-language model."""

from culturebench.errors import CultureBenchError


class VlmError(CultureBenchError):
    """A model that cannot be loaded or asked."""
