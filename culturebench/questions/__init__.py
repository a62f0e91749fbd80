"""Questions about pictures: drawn ones of the atlas, and those that others published."""
