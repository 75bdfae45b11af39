"""Verifiers that we did not write, run against a network of nodes on this machine (cometbft-0.38 C95, C96, C179)."""
