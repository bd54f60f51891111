"""The yardstick of a clip's likeness: a face package, and the subject's own photos seen by it."""

from __future__ import annotations

from bases.video import Frames
from inference.likeness import Likeness, ceiling, clip_embeddings, likeness
from studio.subjects import face_finder
from subjects import POCKET, Subject


class Yardstick:
    """Measures clips of one person, against the photos that are held out where there are any.

    Args:
        subject: a person.
        package: the face package, by name or folder; the subject's own if None.

    Raises:
        SubjectError: if the package cannot be opened, or a photo cannot be read.
    """

    def __init__(self, subject: Subject, package: str | None) -> None:
        """Open the package and look at the photos."""
        chosen = package if package is not None else subject.face_package or POCKET
        self._finder = face_finder(chosen)
        learnt = subject.face_embeddings(self._finder, subject.learnt)
        held_out = subject.face_embeddings(self._finder, subject.held_out)
        self._photos = held_out if len(held_out) else learnt
        self.ceiling = ceiling(learnt, held_out)

    def likeness(self, frames: Frames) -> Likeness:
        """How like the subject the frames are."""
        return likeness(clip_embeddings(frames, self._finder), self._photos)


def likeness_line(found: Likeness, best: float | None, frames: int) -> str:
    """What was measured of a clip of so many frames, in one line."""
    if found.worst_frame is None:
        return f"Likeness not measured: no face was found in the {frames} frames or in the photos."
    of = "" if best is None else f" of a ceiling of {best:.2f}"
    seen = round(found.detected * frames)
    counted = f"{frames}" if seen == frames else f"{seen} of {frames}"
    return (
        f"Likeness {found.median:.2f}{of} (median over {counted} frames), "
        f"worst frame {found.worst:.2f} (frame {found.worst_frame})"
    )
