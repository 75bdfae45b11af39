"""A permissioned ledger for public polls."""

__version__ = "0.1.0"
