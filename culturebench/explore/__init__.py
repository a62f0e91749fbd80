"""A page on which a person sees what the neurons do, and the pictures, answers and code that stand on it."""
