"""The yardstick of a clip's likeness: what sees the subject, and its own photos as it sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bases.video import Frames
from inference.likeness import Likeness, Vectors, ceiling, clip_embeddings, likeness
from studio.home import StudioError
from studio.onlookers import encoder_of, face_finder
from studio.printing import say
from subjects import POCKET, Subject

See = Callable[[Frames], list[Vectors | None]]


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Measures clips of one subject, against the photos that are held out where there are any.

    Attributes:
        see: one embedding a frame, None where the subject is not seen.
        learnt_ND: the photos that adapters learn from.
        held_out_MD: those that they do not.
        face: whether it is faces that are seen.
    """

    see: See
    learnt_ND: Vectors
    held_out_MD: Vectors
    face: bool = True

    @property
    def ceiling(self) -> float | None:
        """What a clip can reach; None where there is nothing to compare."""
        return ceiling(self.learnt_ND, self.held_out_MD)

    def likeness(self, frames: Frames) -> Likeness:
        """How like the subject the frames are."""
        photos = self.held_out_MD if len(self.held_out_MD) else self.learnt_ND
        return likeness(self.see(frames), photos)


def yardstick_of(subject: Subject, package: str | None) -> Yardstick | None:
    """What measures clips of a subject; None, which is said, of others without an encoder.

    Args:
        subject: whom.
        package: the face package of a person, by name or folder; the subject's own if None.

    Raises:
        StudioError: if a package is given and the subject is no person.
        SubjectError: if the package cannot be opened, or a photo cannot be read.
    """
    if subject.kind == "person":
        finder = face_finder(package if package is not None else subject.face_package or POCKET)
        return Yardstick(
            partial(clip_embeddings, finder=finder),
            subject.face_embeddings(finder, subject.learnt),
            subject.face_embeddings(finder, subject.held_out),
        )
    if package is not None:
        raise StudioError(
            f"--faces {package!r} measures people, and {subject.name!r} is a subject of the kind "
            f"{subject.kind!r}: leave it out. Others are compared by the --encoder that they were "
            "added with."
        )
    encoder = encoder_of(subject)
    if encoder is None:
        say(
            f"Note: likeness will not be measured: {subject.name!r} was added without an --encoder."
        )
        return None
    return Yardstick(
        lambda frames: [encoder.embed(frame) for frame in frames],
        subject.embeddings(encoder, subject.learnt),
        subject.embeddings(encoder, subject.held_out),
        face=False,
    )


def likeness_line(found: Likeness, best: float | None, frames: int) -> str:
    """What was measured of a clip of so many frames, in one line."""
    seen = round(found.detected * frames)
    if not seen:
        return f"Likeness not measured: no face was found in the {frames} frames."
    if found.worst_frame is None:
        return "Likeness not measured: no face was found in the photos."
    of = "" if best is None else f" of a ceiling of {best:.2f}"
    counted = f"{frames}" if seen == frames else f"{seen} of {frames}"
    return (
        f"Likeness {found.median:.2f}{of} (median over {counted} frames), "
        f"worst frame {found.worst:.2f} (frame {found.worst_frame})"
    )


def turned_away(found: Likeness) -> str | None:
    """What to do about a clip that shows a face in less than half of its frames."""
    if found.detected >= 0.5:
        return None
    return (
        "Note: few frames show a face. If it is to be seen, say so in the prompt, such as 'facing "
        "the camera', or try another seed."
    )
