"""What can be wrong with an adapter or its training.

ValueError
└── AdapterError         anything that a user can mend
├── BrokenAdapter    the folder or its weights are not an adapter
├── WrongBase        the adapter was trained on another base
└── TrainingError    the training cannot start, or went wrong
    └── TrainingStopped  somebody stopped it
"""


class AdapterError(ValueError):
    """An adapter cannot be used or made; the message says why and what to do."""


class BrokenAdapter(AdapterError):
    """The folder or its weights are not an adapter."""


class WrongBase(AdapterError):
    """The adapter was trained on another base."""


class TrainingError(AdapterError):
    """The training cannot start, or went wrong."""


class TrainingStopped(TrainingError):
    """Somebody stopped the training, which can go on."""
