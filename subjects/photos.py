"""Photos: one file in, a plain RGB picture out, whatever the file holds.

The limits are checked in the header, before a pixel is decoded. What comes out has its EXIF
orientation applied, its colours in sRGB, and nothing else of the file's: no place, no camera, no
date.
"""

from __future__ import annotations

import io
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from subjects.errors import PhotoError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 50 * 2**20
MAX_PIXELS = 100_000_000
MAX_SIDE = 20_000
LONGEST = 2000
"""The longer side of a picture that comes out, in pixels; larger photos are scaled down.

A JPEG of 12 megapixels or more is decoded at half its size, in half the time."""

# Those that cannot be read are listed too: an audit that says so beats one that overlooks them.
SUFFIXES = (
    *(".jpg", ".png", ".webp", ".heic", ".jpeg", ".jfif", ".heif", ".avif"),
    *(".gif", ".tif", ".tiff", ".bmp"),
)
"""How photos' names end."""

_READ = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")
_ALLOWED = "allowed are JPEG, PNG, WebP, HEIC and AVIF"
# Cameras and phones write MPO: a JPEG followed by a preview or a depth map. Its first is the photo.
_STILL_WITH_EXTRAS = "MPO"
_OTHER_FORMATS = {
    b"GIF8": "a GIF",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"BM": "a BMP",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive",
}
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


def read_photo(path: Path, *, longest: int = LONGEST) -> Image:
    """Decode one photo safely.

    Args:
        path: a JPEG, PNG, WebP, HEIC or AVIF file, told by its content and not by its name.
        longest: the longer side of the result is at most this, in pixels.

    Returns:
        A picture of mode RGB without any metadata; transparency is laid over white.

    Raises:
        PhotoError: if the file cannot be read, is too large, is of another format, moves, or is
            damaged; the message says which.
    """
    return decode(contents(path), path, longest=longest)


def decode(content: bytes, path: Path, *, longest: int = LONGEST) -> Image:
    """Decode what a photo's file holds; see `read_photo`.

    Args:
        content: of the file.
        path: its name, for an error.
        longest: see `read_photo`.
    """
    from PIL.Image import DecompressionBombError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _plain(_opened(path, content), longest)
        except PhotoError:
            raise
        except DecompressionBombError as error:
            raise PhotoError(path, _too_large("more pixels")) from error
        except MemoryError as error:
            raise PhotoError(path, "too large for this machine's memory; scale it down") from error
        except Exception as error:  # a crafted file can make the decoder raise almost anything
            raise PhotoError(path, f"damaged or cut short ({first_line(error)})") from error


def kind_of(path: Path) -> str:
    """Whether a file is a "video", an "archive", or, as far as its first bytes tell, a "photo"."""
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            start = file.read(16)
    except OSError:
        return "photo"  # reading it will say what is wrong
    if start.startswith(b"PK\x03\x04") or start.startswith(b"PK\x05\x06"):
        return "archive"
    matroska, avi = b"\x1a\x45\xdf\xa3", start[:4] == b"RIFF" and start[8:12] == b"AVI "
    isobmff = start[4:8] == b"ftyp" and start[8:12] not in _STILL_BRANDS
    return "video" if start.startswith(matroska) or avi or isobmff else "photo"


def contents(path: Path) -> bytes:
    """The bytes of a photo's file.

    Raises:
        PhotoError: if it cannot be read, is none, is empty or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(path, "not a file; give photos, or a folder of photos")
        if status.st_size > MAX_BYTES:
            raise PhotoError(
                path,
                f"{status.st_size / 2**20:.0f} MB large; at most {MAX_BYTES // 2**20} MB are read, "
                "save it smaller",
            )
        with path.open("rb") as file:
            content = file.read(MAX_BYTES)
    except OSError as error:
        raise PhotoError(path, f"cannot be read ({error.strerror or error})") from error
    if not content:
        raise PhotoError(path, "empty")
    return content


def _opened(path: Path, content: bytes) -> Image:
    """Read the header, and check all that it says."""
    from pi_heif import register_heif_opener
    from PIL import Image, UnidentifiedImageError

    register_heif_opener()
    try:
        image = Image.open(io.BytesIO(content), formats=_READ)
    except UnidentifiedImageError as error:
        raise PhotoError(path, f"{_name_of(content)}; {_ALLOWED}") from error
    if max(image.size) > MAX_SIDE or image.width * image.height > MAX_PIXELS:
        raise PhotoError(path, _too_large(f"{image.width}x{image.height} pixels"))
    if getattr(image, "is_animated", False) and image.format != _STILL_WITH_EXTRAS:
        raise PhotoError(path, "animated; give a still picture")
    return image


def _too_large(what: str) -> str:
    return (
        f"{what} than are allowed" if what == "more pixels" else f"{what} are too many"
    ) + f"; at most {MAX_SIDE} a side and {MAX_PIXELS // 10**6} million in all, scale it down"


def _name_of(content: bytes) -> str:
    for start, name in _OTHER_FORMATS.items():
        if content.startswith(start):
            return f"{name} file"
    if content[4:8] == b"ftyp":
        return "a video file"
    return "not a picture"


def _plain(image: Image, longest: int) -> Image:
    """Decode, turn upright, scale down, and keep nothing but RGB pixels."""
    from PIL import Image as images

    share = longest / max(image.size)  # a JPEG is decoded near the size that is wanted
    image.draft(image.mode, (max(1, int(share * image.width)), max(1, int(share * image.height))))
    image.load()
    profile = image.info.get("icc_profile")
    image = _eight_bits(_upright(image))
    image.thumbnail((longest, longest), images.Resampling.LANCZOS, reducing_gap=3.0)
    image = _in_srgb(image, profile)
    return images.frombytes("RGB", image.size, image.tobytes())


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a photo with damaged EXIF is still a photo
        return image


def _eight_bits(image: Image) -> Image:
    """Any mode into RGB, RGBA where something is transparent, or CMYK."""
    import numpy as np
    from PIL import Image as images

    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64).clip(0, 65535) // 257
        return images.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode == "CMYK" else image.convert("RGB")


def _in_srgb(image: Image, profile: bytes | None) -> Image:
    from PIL import Image as images

    if image.mode == "RGBA":
        paper = images.new("RGBA", image.size, "white")
        image = images.alpha_composite(paper, image).convert("RGB")
    if profile:
        image = _by_profile(image, profile)
    return image.convert("RGB")


def _by_profile(image: Image, profile: bytes) -> Image:
    """Colours as the file's own profile means them; as they stand where it cannot be used."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != image.mode:
            return image
        wanted = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, wanted, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


def first_line(error: Exception) -> str:
    """What an error says, cut to a hundred letters; its kind if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:100]
