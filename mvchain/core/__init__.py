"""Bytes, hashes, keys, trees and errors: what everything else stands on. Pure."""
