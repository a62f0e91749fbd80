"""Experts' work in Label Studio: what is sent to them, what comes back, and a server for those who have none."""
