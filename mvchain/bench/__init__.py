"""What the design's figures are on this machine: each subcommand of scripts/bench measures some of them."""
