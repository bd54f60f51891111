"""What the parser of settings found wrong, in a user's words."""

from __future__ import annotations

import re

_KEY = re.compile(r'Parser key "([^"]+)": ')
_TYPE = re.compile(r"Expected a <class '(\w+)'>")
_LITERAL = re.compile(r"Expected a typing\.Literal\[(.*?)\]")
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
    keys, given = _KEY.findall(said), _GIVEN.search(said)
    if keys and given and (wanted := _wanted(said)):
        return f"{'.'.join(keys)}={given[1].rstrip('.')} must be {' or '.join(wanted)}"[:_LONGEST]
    return said[:_LONGEST].rstrip(".")


def _wanted(said: str) -> list[str]:
    """The types that a parser's error names, in words."""
    if "Expected a dot import path" in said:
        return [_WORDS["dict"]]
    words = dict.fromkeys(_WORDS.get(name, f"a {name}") for name in _TYPE.findall(said))
    listed = ",".join(_LITERAL.findall(said)).split(",")
    choices = dict.fromkeys(name for each in listed if (name := each.strip("' ")))
    return [*words, *([f"one of {', '.join(choices)}"] if choices else [])]
