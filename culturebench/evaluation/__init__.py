"""From answers and measurements to the rows of the evaluation."""
