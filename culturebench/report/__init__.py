"""The report: one self-contained page, from results as plain rows."""
