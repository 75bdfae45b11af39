"""Files in which keys ask to be registered, or to take the place of others (security ED03).

    {"agency": 1, "key": hex, "proof": hex, "role": "operator"}

An agency's new keys ask together, and those that stay are left out:

    {"agency": 1, "keys": {"agency": {"key": hex, "proof": hex}, "node": {...}, "validator": {...}}}

Canonical JSON. It holds nothing secret: a proof serves that agency, in that role, on one chain.
"""

from collections.abc import Mapping
from pathlib import Path

from mvchain.cli.options import parse_key, parse_signature, read_file
from mvchain.core import codes, strict_json
from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SigningKey
from mvchain.core.strict_json import Json
from mvchain.core.types import AgencyNumber, Signature, TaggedKey
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.ledger.proposals import NewKey, ReplaceKeys
from mvchain.ledger.registration import registration_proof, verify_registration
from mvchain.ledger.transactions import Role

MAX_REQUEST_BYTES = 1024
_REPLACED = ("agency", "node", "validator")


def encode_request(key: SigningKey, genesis: Genesis, agency: AgencyNumber, role: Role) -> bytes:
    """The file in which the key asks this agency for this role."""
    proof = registration_proof(key, genesis.hash, agency, role)
    document = {"agency": agency, "key": key.tagged.hex(), "proof": proof.hex(), "role": role.name.lower()}
    return strict_json.canonical(document) + b"\n"


def read_request(path: Path, genesis: Genesis, role: Role) -> tuple[TaggedKey, Signature]:
    """The key that asks for this role, and its proof, which is checked for the agency in the file.

    Raises:
        BadConfiguration: the file cannot be read, or is not such a request.
    """
    data = read_file(path, MAX_REQUEST_BYTES)
    try:
        document = strict_json.loads(data, "it", max_bytes=MAX_REQUEST_BYTES, error=BadConfiguration)
        return _checked(document, genesis, role)
    except BadConfiguration as error:
        why = error.detail.removesuffix(".")
    except ValueError as error:
        why = str(error)
    raise BadConfiguration(codes.BAD_KEY_REQUEST, path=path, role=role.name.lower(), why=why)


def encode_replacement(keys: Mapping[Role, SigningKey], genesis: Genesis, agency: AgencyNumber) -> bytes:
    """The file in which these keys ask to take the place of the agency's present ones."""
    asking: dict[str, Json] = {
        role.name.lower(): {
            "key": key.tagged.hex(),
            "proof": registration_proof(key, genesis.hash, agency, role).hex(),
        }
        for role, key in keys.items()
    }
    return strict_json.canonical({"agency": agency, "keys": asking}) + b"\n"


def read_replacement(path: Path, genesis: Genesis) -> ReplaceKeys:
    """What such a file asks for; each proof is checked.

    Raises:
        BadConfiguration: the file cannot be read, or is not such a request.
    """
    data = read_file(path, MAX_REQUEST_BYTES)
    try:
        document = strict_json.loads(data, "it", max_bytes=MAX_REQUEST_BYTES, error=BadConfiguration)
        match document:
            case {"agency": int(number), "keys": dict(keys), **rest} if keys and not rest:
                agency = AgencyNumber(number)
            case _:
                raise ValueError("it does not have exactly the members agency and keys")
        asking = {name: _proven(name, value, genesis, agency) for name, value in keys.items()}
        return ReplaceKeys(agency, *(asking.get(name) for name in ("agency", "validator", "node")))
    except BadConfiguration as error:
        why = error.detail.removesuffix(".")
    except ValueError as error:
        why = str(error)
    raise BadConfiguration(codes.BAD_REPLACEMENT, path=path, why=why)


def _proven(name: str, value: Json, genesis: Genesis, agency: AgencyNumber) -> NewKey:
    match value:
        case {"key": str(key_hex), "proof": str(proof_hex), **rest} if name in _REPLACED and not rest:
            new = NewKey(parse_key(key_hex), parse_signature(proof_hex))
        case _:
            raise ValueError(f"{name} is not one of agency, node and validator with key and proof")
    if not verify_registration(new.key, new.proof, genesis.hash, agency, Role[name.upper()]):
        raise ValueError(f"the proof of the {name} key is not its signature for this chain, agency and use")
    return new


def find_agency(genesis: Genesis, number: int) -> GenesisAgency:
    """The agency with this number; raises BadConfiguration if there is none."""
    for agency in genesis.agencies:
        if agency.number == number:
            return agency
    raise BadConfiguration(codes.NO_SUCH_AGENCY, chain=genesis.chain_id, agency=number)


def _checked(document: Json, genesis: Genesis, role: Role) -> tuple[TaggedKey, Signature]:
    """Raises BadConfiguration or ValueError for whatever is not a request of a key for this role."""
    match document:
        case {"agency": number, "key": str(key_hex), "proof": str(proof_hex), "role": str(asked), **rest} if (
            type(number) is int and not rest
        ):
            agency = find_agency(genesis, number).number
        case _:
            raise ValueError("it does not have exactly the members agency, key, proof and role")
    if asked != role.name.lower():
        raise ValueError(f"it asks for the role {asked}")
    key, proof = parse_key(key_hex), parse_signature(proof_hex)
    if not verify_registration(key, proof, genesis.hash, agency, role):
        raise ValueError("its proof is not the signature of its key for this chain, agency and role")
    return key, proof
