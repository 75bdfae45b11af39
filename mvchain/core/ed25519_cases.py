"""Signatures on which libraries disagree, with the verdicts that every node must give (security ED07).

Origin: cases 0 to 11 of `cases.json`, novifinancial/ed25519-speccheck (Apache-2.0), and numbers 304 and 305
of `ed25519vectors.json`, C2SP/CCTV (BSD-3-Clause). The values are unchanged; the verdicts are libsodium's
(ED02, ED03).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ed25519Case:
    """One key, message and signature."""

    name: str
    key: bytes
    message: bytes
    signature: bytes
    verifies: bool = False
    """Verdict of the signature rule (ED01)."""
    registrable: bool = False
    """Whether the key may be registered (ED03)."""


ED25519_CASES = (
    Ed25519Case(
        name="speccheck 0",
        key=bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
        message=bytes.fromhex("8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6"),
        signature=bytes.fromhex(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
            "0000000000000000000000000000000000000000000000000000000000000000"
        ),
    ),
    Ed25519Case(
        name="speccheck 1",
        key=bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
        message=bytes.fromhex("9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79"),
        signature=bytes.fromhex(
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
            "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
    ),
    Ed25519Case(
        name="speccheck 2",
        key=bytes.fromhex("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"),
        message=bytes.fromhex("aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab"),
        signature=bytes.fromhex(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
            "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"
        ),
    ),
    Ed25519Case(
        name="speccheck 3",
        key=bytes.fromhex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"),
        message=bytes.fromhex("9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79"),
        signature=bytes.fromhex(
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
            "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"
        ),
        verifies=True,
    ),
    Ed25519Case(
        name="speccheck 4",
        key=bytes.fromhex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"),
        message=bytes.fromhex("e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c"),
        signature=bytes.fromhex(
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
            "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
        ),
    ),
    Ed25519Case(
        name="speccheck 5",
        key=bytes.fromhex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"),
        message=bytes.fromhex("e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c"),
        signature=bytes.fromhex(
            "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
            "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"
        ),
    ),
    Ed25519Case(
        name="speccheck 6",
        key=bytes.fromhex("442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623"),
        message=bytes.fromhex("85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40"),
        signature=bytes.fromhex(
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
            "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"
        ),
        registrable=True,
    ),
    Ed25519Case(
        name="speccheck 7",
        key=bytes.fromhex("442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623"),
        message=bytes.fromhex("85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40"),
        signature=bytes.fromhex(
            "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
            "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"
        ),
        registrable=True,
    ),
    Ed25519Case(
        name="speccheck 8",
        key=bytes.fromhex("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"),
        message=bytes.fromhex("9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41"),
        signature=bytes.fromhex(
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f"
        ),
    ),
    Ed25519Case(
        name="speccheck 9",
        key=bytes.fromhex("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"),
        message=bytes.fromhex("9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41"),
        signature=bytes.fromhex(
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908"
        ),
    ),
    Ed25519Case(
        name="speccheck 10",
        key=bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        message=bytes.fromhex("e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b"),
        signature=bytes.fromhex(
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
            "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
    ),
    Ed25519Case(
        name="speccheck 11",
        key=bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        message=bytes.fromhex("39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f"),
        signature=bytes.fromhex(
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
            "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
    ),
    Ed25519Case(
        name="CCTV 304",
        key=bytes.fromhex("ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076"),
        message=b"ed25519vectors 7",
        signature=bytes.fromhex(
            "0100000000000000000000000000000000000000000000000000000000000000"
            "330b30d6c1f07511e2208d233b6a34d4ed7109da2dea615bcd97daee3a842704"
        ),
        registrable=True,
    ),
    Ed25519Case(
        name="CCTV 305",
        key=bytes.fromhex("ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076"),
        message=b"ed25519vectors 5",
        signature=bytes.fromhex(
            "b62cf890de42c413b11b1411c9f01f1c4d77aa87ef182258d1251f69af2a3506"
            "40657f1cb030f12543549bbabd848dc6403d354e7c99c4d0dcee9f63c9033b00"
        ),
        verifies=True,
        registrable=True,
    ),
)
