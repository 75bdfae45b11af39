"""What is on the chain: transactions, polls, rolls, ballots, tally, state, blocks. Pure; rules in RULES.md."""
