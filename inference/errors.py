"""What can be wrong with a rendering.

ValueError
└── RenderError    anything that a user can mend
"""


class RenderError(ValueError):
    """A clip cannot be rendered or measured; the message says why and what to do."""
