"""Culture neurons on their own: a small folder that others load without this project, its data or its autoencoders."""
