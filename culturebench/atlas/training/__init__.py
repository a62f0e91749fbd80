"""How the atlas models were trained; the pipeline itself never imports this."""
