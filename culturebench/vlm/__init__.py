"""Vision-language models: load them, ask them, read and silence neurons of their decoders."""
