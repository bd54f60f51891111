"""What the parser of settings found wrong, in a user's words."""

from __future__ import annotations

import re

_KEY = re.compile(r'Parser key "([^"]+)": ')
_EXPECTED = re.compile(r"Expected a (?:<class '(\w+)'>|typing\.Literal\[(.*?)\])")
_GIVEN = re.compile(r"\. Got value: (.*)")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "settings by their names",
}
_LONGEST = 300


def plainly(error: Exception) -> str:
    """What is wrong with a setting, without what else the parser tried and its own terms.

    Returns:
        Such as "model.rank=big must be a whole number"; what the parser said of it where that is
        of another kind.
    """
    said = " ".join(str(error).split())
    said = re.sub(r"Does not validate against any of the Union subtypes.* Errors: - ", "", said)
    said = re.sub(r"Problem with given class_path '[^']*': ", "", said)
    said, _, left = said.partition(" - Expected a <class 'NoneType'> Given value type: ")
    if left and "Got value" not in said:
        said += f". Got value: {left.partition(' Given value: ')[2]}"
    keys, kinds, given = _KEY.findall(said), _EXPECTED.findall(said), _GIVEN.search(said)
    if keys and kinds and given:
        names = dict.fromkeys(_kind(name, listed) for name, listed in kinds)
        return f"{'.'.join(keys)}={given[1].rstrip('.')} must be {' or '.join(names)}"[:_LONGEST]
    if keys and given and "Expected a dot import path" in said:
        return f"{keys[-1]}={given[1].rstrip('.')} must be {_WORDS['dict']}"[:_LONGEST]
    return said[:_LONGEST].rstrip(".")


def _kind(name: str, listed: str) -> str:
    """A type as it is written in an error, in words."""
    if listed:
        return f"one of {listed.replace(chr(39), '')}"
    return _WORDS.get(name, f"a {name}")
