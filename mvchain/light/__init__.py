"""What a voter or auditor verifies with nothing but the genesis file."""
