"""One module a DVC stage, of the same name: thin steps between named artifacts.

This runs before a stage's own module imports numpy or torch, which read their settings once.
"""

import os

from culturebench.numerics import pin

pin(os.environ)
