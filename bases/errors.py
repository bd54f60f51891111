"""What can be wrong with a base model.

ValueError
└── BaseModelError          anything that a user can mend
    ├── UnknownBase         the name is neither known nor a folder
    ├── BrokenBase          parts of the base are missing or do not fit
    ├── TooLarge            it does not fit into memory
    └── LicenceUnanswered   its licence asks something that nobody has answered
"""


class BaseModelError(ValueError):
    """A base model cannot be used; the message says why and what to do."""


class UnknownBase(BaseModelError):
    """The name is neither in the catalogue nor a folder."""


class BrokenBase(BaseModelError):
    """Parts of the base are missing, or do not fit what they are asked for."""


class LicenceUnanswered(BaseModelError):
    """The base's licence asks something, and nobody on this machine has answered."""


class TooLarge(BaseModelError):
    """The base, or what is done with it, does not fit into memory."""
