"""Chaos: real node processes under load, treated badly on purpose, and a black-box check of what they promise."""
