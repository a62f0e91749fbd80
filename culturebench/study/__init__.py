"""The study with people: its plan, what they are shown, and what their answers say."""
