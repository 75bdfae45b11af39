"""Every stable code with its cause and remedy; the only place where codes are given out.

1xxx transactions · 2xxx peers · 3xxx configuration · 4xxx storage · 5xxx proofs · 6xxx requests.
Section comments name the module that raises them. A code is never reused for another meaning.
"""

from mvchain.core.errors import Cause

# --- 10xx: bytes of any kind (core.codec, core.proto) ---
MALFORMED = Cause("MV-1001", "{what} is malformed: {why}.", "Encode it as the specification says and send it again.")
TOO_LARGE = Cause("MV-1002", "{what} has {size} bytes; at most {limit} are allowed.", "Send less at once.")
