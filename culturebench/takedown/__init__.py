"""Taking a picture down: its bytes leave every place that the project keeps them in, and stay away."""
