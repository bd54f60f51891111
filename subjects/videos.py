"""Videos: the sharpest moments of one, each unlike the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from subjects.duplicates import Fingerprint, are_near_duplicates
from subjects.errors import PhotoError
from subjects.photos import first_line
from subjects.sharpness import picture_blur

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

MOST_FRAMES = 40
"""So many frames at most are taken of one video."""
LONGEST_SECONDS = 600.0
"""What comes later in a video is not looked at."""
MAX_SIDE = 8192

_LOOKS = 480
"""So many frames at most are looked at, evenly spread."""
_STEP = 0.2
_SMALL = 320


class Moment(NamedTuple):
    """A frame that was looked at."""

    second: float
    blur: float
    fingerprint: Fingerprint


def best_moments(path: Path, *, most: int = MOST_FRAMES) -> list[float]:
    """When to take a frame, in seconds, in order: the sharpest of each stretch, no two alike.

    Args:
        path: a video.
        most: how many at most.

    Raises:
        PhotoError: if it cannot be read or shows nothing.
    """
    looks = list(_looks(path))
    if not looks:
        raise PhotoError(path, "a video without a picture; give another file")
    stretches = np.array_split(np.arange(len(looks)), min(most, len(looks)))
    sharpest = [min((looks[i] for i in part), key=lambda m: m.blur) for part in stretches]
    chosen: list[Moment] = []
    for moment in sorted(sharpest, key=lambda m: m.blur):
        if not any(are_near_duplicates(moment.fingerprint, c.fingerprint) for c in chosen):
            chosen.append(moment)
    return sorted(moment.second for moment in chosen)


def frame_at(path: Path, second: float) -> Image:
    """The frame of that moment, upright.

    Raises:
        PhotoError: if there is none.
    """
    with _opened(path) as video:
        stream = video.streams.video[0]
        try:
            video.seek(int(second / stream.time_base), stream=stream)
            for frame in video.decode(stream):
                if frame.time is not None and frame.time >= second - 1e-3:
                    return _upright(frame)
        except PhotoError:
            raise
        except Exception as error:  # a crafted video can make the decoder raise almost anything
            raise _damaged(path, error) from error
    raise PhotoError(path, f"no frame at {second:.2f} s; it changed while it was read, try again")


def _looks(path: Path) -> Iterator[Moment]:
    with _opened(path) as video:
        stream = video.streams.video[0]
        if max(stream.width, stream.height) > MAX_SIDE:
            raise PhotoError(
                path, f"{stream.width}x{stream.height} pixels are too many; at most {MAX_SIDE}"
            )
        length = min(float((video.duration or 0) / 1e6) or LONGEST_SECONDS, LONGEST_SECONDS)
        step, next_look = max(_STEP, length / _LOOKS), 0.0
        try:
            for frame in video.decode(stream):
                if frame.time is None or frame.time < next_look:
                    continue
                if frame.time > LONGEST_SECONDS:
                    return
                next_look = frame.time + step
                yield _seen(frame)
        except PhotoError:
            raise
        except Exception as error:  # a crafted video can make the decoder raise almost anything
            raise _damaged(path, error) from error


def _seen(frame: Any) -> Moment:
    shrink = max(1.0, max(frame.width, frame.height) / _SMALL)
    size = {"width": round(frame.width / shrink), "height": round(frame.height / shrink)}
    small: NDArray[np.uint8] = frame.reformat(format="rgb24", **size).to_ndarray()
    return Moment(frame.time, picture_blur(small), Fingerprint.of(small))


def _upright(frame: Any) -> Image:
    return frame.to_image().rotate(frame.rotation, expand=True)


def _opened(path: Path) -> Any:
    import av

    try:
        video = av.open(str(path.absolute()))
    except Exception as error:
        raise _damaged(path, error) from error
    if not video.streams.video:
        video.close()
        raise PhotoError(path, "a video without a picture; give another file")
    video.streams.video[0].thread_type = "AUTO"
    return video


def _damaged(path: Path, error: Exception) -> PhotoError:
    return PhotoError(path, f"a video that cannot be read ({first_line(error)})")
