import hashlib

from mvchain.core.hashing import EMPTY_HASH, sha256, tagged_hash


def test_the_empty_hash_is_e_of_c10() -> None:
    assert EMPTY_HASH.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_sha256_of_the_example_of_fips_180() -> None:
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_tagged_hash_is_over_tag_zero_byte_and_parts() -> None:
    assert tagged_hash("mvchain.poll.v1", b"one", b"two") == hashlib.sha256(b"mvchain.poll.v1\x00onetwo").digest()


def test_the_tag_ends_at_the_zero_byte() -> None:
    assert tagged_hash("tag", b"x") != tagged_hash("tagx", b"")
