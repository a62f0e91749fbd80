"""What people decided: reading it, and turning decisions into verdicts."""
