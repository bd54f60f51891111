"""Signatures: a record that somebody of this home wrote, and that nobody has changed since.

Ed25519 (Bernstein et al., 2011). The private key is made once a home and never leaves it. A
signature shows that a record is unchanged and which home wrote it; not that what it says is true.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subjects.errors import StorageError
from subjects.privacy import private_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = Path("keys") / "signing.pem"


def sign(record: Mapping[str, Any], home: Path) -> tuple[str, str]:
    """This home's public key and its signature of a record, both in base 64.

    Raises:
        StorageError: if the home's key cannot be read or made.
    """
    key = _known_key(home)
    public = key.public_key().public_bytes_raw()
    return _text(public), _text(key.sign(_bytes(record)))


def check_key(home: Path) -> None:
    """Make sure that a home's key can be used; one that is not there will be made.

    Raises:
        StorageError: if it cannot.
    """
    if (home / KEY).exists():
        _known_key(home)


def is_signed(record: Mapping[str, Any], key: str, signature: str) -> bool:
    """Whether the holder of a key signed the record as it is."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), _bytes(record))
    except (InvalidSignature, ValueError):
        return False
    return True


def _known_key(home: Path) -> Ed25519PrivateKey:
    try:
        return _private_key(home / KEY)
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"the key {str(home / KEY)!r} that signs consents cannot be used "
            f"({' '.join(str(error).split())[:100]}): put it back from a copy, or remove it, and a "
            "new one is made; what the old one signed stays valid."
        ) from error


def _private_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        known = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        _make_key(path)
        return _private_key(path)
    if not isinstance(known, Ed25519PrivateKey):
        raise ValueError(f"{str(path)!r} holds no Ed25519 key")
    return known


def _make_key(path: Path) -> None:
    """Write a new key as a whole, unless another process was quicker."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    written = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(written)
        if not path.exists():
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _bytes(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
