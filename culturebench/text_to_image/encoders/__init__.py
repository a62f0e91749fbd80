"""Text encoders of the libraries' own classes."""
