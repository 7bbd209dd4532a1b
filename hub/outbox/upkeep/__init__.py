"""What is done beside sending: resume what was mended, look again at what was confirmed."""
