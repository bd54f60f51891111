"""The contact sheet: every photo with its verdict, as a page and as a picture."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.encoders import Encoder
from subjects.faces import Finder
from subjects.files import whole_file
from subjects.metadata import Photo
from subjects.records import replace_text
from subjects.subject import Subject
from subjects.verdicts import CARE, DROP

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

PAGE, PICTURE = "sheet.html", "sheet.png"

_TEMPLATE = Path(__file__).with_suffix(".html")
_SIDE, _GAP, _LABEL, _COLUMNS = 200, 10, 58, 6
_PAPER, _INK = (250, 249, 246), (40, 38, 42)
_EDGES = {CARE: (217, 150, 47), DROP: (192, 72, 61)}
_FINE = (74, 143, 92)


@dataclass(frozen=True)
class _Shown:
    """A photo that is stored, as the sheet shows it."""

    name: str
    verdict: str
    reason: str
    caption: str
    thumbnail: Image

    @property
    def picture(self) -> str:
        """The thumbnail as a JPEG in base 64."""
        buffer = io.BytesIO()
        self.thumbnail.save(buffer, format="JPEG", quality=85)
        return base64.b64encode(buffer.getvalue()).decode()


def write_sheet(subject: Subject, compare: Finder | Encoder | None) -> list[Path]:
    """Write `sheet.html` and `sheet.png` into the subject's folder; returns both.

    Args:
        subject: whose photos.
        compare: what compares them: a finder of faces for a person, an image encoder for a pet or
            an object; nothing does if None.

    Raises:
        StorageError: if a photo cannot be read.
        OSError: if the sheet cannot be written.
    """
    photos = [photo for photo in subject.photos if photo.path.name not in subject.faults]
    shown = [_shown(photo) for photo in photos]
    page, picture = subject.folder / PAGE, subject.folder / PICTURE
    replace_text(page, _page(subject, shown, compare))
    _write_picture(picture, _picture(shown))
    return [page, picture]


def _shown(photo: Photo) -> _Shown:
    image = photo.open()
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    thumbnail = image.resize((_SIDE, _SIDE), box=(left, top, left + side, top + side))
    reason = f"held out; {photo.reason}" if photo.held_out else photo.reason
    return _Shown(photo.path.name, photo.verdict, reason, photo.caption, thumbnail)


def _page(subject: Subject, shown: list[_Shown], compare: Finder | Encoder | None) -> str:
    from jinja2 import Environment

    verdicts = subject.verdicts
    yaws = [photo.measures.yaw for photo in subject.kept if photo.measures.yaw is not None]
    template = Environment(autoescape=True).from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(
        subject=subject,
        verdicts=verdicts,
        kept=len(subject.kept),
        ceiling=subject.ceiling,
        advice=subject.coverage.advice(),
        coverage=subject.coverage.said(),
        shown=shown,
        left_out=[photo for photo in verdicts if photo.file_name is None],
        yaws=yaws,
        alike=_alike(subject, compare),
    )


def _alike(subject: Subject, compare: Finder | Encoder | None) -> list[dict[str, Any]]:
    """One row a kept photo that shows the subject: how like it the others are, as cosines."""
    if compare is None:
        return []
    whole = [photo for photo in subject.kept if photo.path.name not in subject.faults]
    found = [(photo.path.name, _embedding(photo, compare)) for photo in whole]
    known = [(name, embedding) for name, embedding in found if embedding is not None]
    if len(known) < 2:
        return []
    embeddings = np.stack([embedding for _, embedding in known])
    cosines = embeddings @ embeddings.T
    rows = zip(known, cosines.tolist(), strict=True)
    return [{"name": name, "cosines": values} for (name, _), values in rows]


def _embedding(photo: Photo, compare: Finder | Encoder) -> NDArray[np.float32] | None:
    if isinstance(compare, Encoder):
        return compare.embed(np.asarray(photo.open()))
    face = photo.face(compare)
    return None if face is None else face.embedding


def _picture(shown: list[_Shown]) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    columns = max(1, min(_COLUMNS, len(shown)))
    rows = -(-len(shown) // columns)
    width, height = columns * (_SIDE + _GAP) + _GAP, rows * (_SIDE + _LABEL + _GAP) + _GAP
    page = Image.new("RGB", (width, height), _PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=13)
    for index, photo in enumerate(shown):
        row, column = divmod(index, columns)
        x, y = _GAP + column * (_SIDE + _GAP), _GAP + row * (_SIDE + _LABEL + _GAP)
        page.paste(photo.thumbnail, (x, y))
        draw.rectangle(
            (x, y + _SIDE, x + _SIDE - 1, y + _SIDE + 4), _EDGES.get(photo.verdict, _FINE)
        )
        said = f"{photo.name}: {photo.verdict}\n{_folded(photo.reason, font, _SIDE)}"
        draw.multiline_text((x, y + _SIDE + 8), said, _INK, font, spacing=2)
    return page


def _folded(text: str, font: Any, width: int) -> str:
    """The text in two lines at most, cut where it is longer."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines if len(lines) <= 2 else [lines[0], f"{lines[1]} …"])


def _write_picture(path: Path, picture: Image) -> None:
    with whole_file(path) as file:
        picture.save(file, format="PNG")
