"""Asking the web, which is treated as hostile: what is asked, from where, how much, and for how long is bounded."""
