"""Where culture sits in a text encoder: the layer, its features, and the neurons."""
