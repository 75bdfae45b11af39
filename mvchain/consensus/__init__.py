"""The round machine after arXiv:1807.04938, Algorithm 1. Pure; see ALGORITHM.md."""
