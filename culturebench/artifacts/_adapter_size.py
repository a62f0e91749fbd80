"""How large an adapter's change is."""

from typing import TypedDict


class Size(TypedDict):
    """Mean norm of what is added at a site, as a share of the site's own output, while pictures are made."""

    strength: float
    size: float
