"""Training the atlas's vision-language model, whose culture neurons are planted."""
