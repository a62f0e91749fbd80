"""How far a judge can be trusted on real pictures: the same few choices for judges and people."""
