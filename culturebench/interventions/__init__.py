"""What is done to attention outputs to bring culture back, or take it away, and the controls."""
