"""A release: what leaves the project, as files that other people's tools read."""
