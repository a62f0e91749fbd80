"""Dividing pictures so that nothing leaks and nothing that a release froze ever moves."""
