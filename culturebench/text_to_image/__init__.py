"""Text-to-image systems behind two small interfaces."""
