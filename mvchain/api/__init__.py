"""The public HTTP API and its client."""
