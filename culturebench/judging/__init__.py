"""CultureVQA: judges that see a picture and the options, and nothing else."""
