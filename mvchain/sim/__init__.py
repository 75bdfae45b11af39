"""The simulator: production nodes on a virtual clock, network and disk; one seed decides everything (faults 2)."""
