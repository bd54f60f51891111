from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from subjects import PhotoError, read_photo
from subjects import photos as limits


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def gradient(width: int = 120, height: int = 80) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_read_whatever_the_file_is_called(
    tmp_path: Path, format_: str
) -> None:
    path = saved(tmp_path / "photo.txt", gradient(), format=format_)
    image = read_photo(path)
    assert (image.mode, image.size) == ("RGB", (120, 80))
    assert np.abs(np.asarray(image, int) - np.asarray(gradient(), int)).mean() < 6


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"'gone\.jpg': cannot be read \(No such file"):
        read_photo(tmp_path / "gone.jpg")


def test_a_text_file_named_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear Mira, this is not a photo.")
    with pytest.raises(PhotoError, match=r"'letter\.jpg': not a picture; allowed are JPEG, PNG"):
        read_photo(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(PhotoError, match="empty"):
        read_photo(tmp_path / "empty.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PhotoError, match="not a file"):
        read_photo(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"GIF89a" + b"\0" * 50, "a GIF file"),
        (b"II*\0" + b"\0" * 50, "a TIFF file"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 50, "a video file"),
    ],
)
def test_another_format_is_refused_by_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(PhotoError, match=f"{name}; allowed are JPEG, PNG, WebP, HEIC and AVIF"):
        read_photo(tmp_path / "x.jpg")


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_photo_is_refused(tmp_path: Path, format_: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format=format_)
    whole = buffer.getvalue()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PhotoError, match="damaged or cut short|not a picture"):
        read_photo(tmp_path / "cut")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    with pytest.raises(PhotoError, match="50 MB large; at most 50 MB"):
        read_photo(path)


def test_a_side_of_60000_pixels_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "line.png", Image.new("RGB", (60_000, 1)))
    with pytest.raises(PhotoError, match="60000x1 pixels are too many; at most 20000 a side"):
        read_photo(path)


@pytest.mark.parametrize("size", [(10_001, 10_000), (19_000, 19_000), (60_000, 60_000)])
def test_a_header_that_declares_too_many_pixels_is_refused_before_decoding(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(*size))
    with pytest.raises(PhotoError, match="100 million in all"):
        read_photo(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("format_", "reason"),
    [("GIF", "a GIF file"), ("WEBP", "animated; give a still"), ("PNG", "animated; give a still")],
)
def test_an_animated_picture_is_refused(tmp_path: Path, format_: str, reason: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    path = tmp_path / "moving"
    frames[0].save(path, format=format_, save_all=True, append_images=frames[1:])
    with pytest.raises(PhotoError, match=reason):
        read_photo(path)


def test_a_jpeg_with_a_preview_behind_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "camera.jpg"
    gradient().save(path, format="MPO", save_all=True, append_images=[gradient(30, 20)])
    assert read_photo(path).size == (120, 80)


def test_cmyk_becomes_the_colours_it_shows(tmp_path: Path) -> None:
    path = saved(tmp_path / "print.jpg", Image.new("CMYK", (40, 40), (0, 255, 255, 0)))
    red, green, blue = read_photo(path).getpixel((20, 20))
    assert red > 200
    assert green < 60
    assert blue < 60


def test_16_bits_of_grey_keep_their_steps(tmp_path: Path) -> None:
    steps = np.linspace(0, 65535, 64).astype(np.uint16)
    path = saved(tmp_path / "deep.png", Image.fromarray(np.tile(steps, (64, 1))))
    grey = np.asarray(read_photo(path))
    assert grey.shape == (64, 64, 3)
    np.testing.assert_allclose(grey[0, :, 0], np.linspace(0, 255, 64), atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_white(tmp_path: Path, mode: str) -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 20, 40))
    path = saved(tmp_path / "clear.png", clear.convert(mode))
    image = read_photo(path)
    assert image.getpixel((5, 20)) == (0, 0, 0)
    assert image.getpixel((35, 20)) == (255, 255, 255)


def test_a_palette_with_a_transparent_colour_is_laid_over_white(tmp_path: Path) -> None:
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.paste(0, (0, 0, 20, 40))
    path = saved(tmp_path / "palette.png", palette, transparency=1)
    image = read_photo(path)
    assert image.getpixel((5, 20)) == (200, 0, 0)
    assert image.getpixel((35, 20)) == (255, 255, 255)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (5, 5)), (3, (110, 70)), (6, (70, 5)), (8, (5, 110))]
)
def test_the_orientation_is_applied(
    tmp_path: Path, format_: str, orientation: int, corner: tuple[int, int]
) -> None:
    picture = Image.new("RGB", (120, 80))
    picture.paste((255, 255, 255), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "turned", picture, format=format_, exif=exif)
    image = read_photo(path)
    assert image.size == ((80, 120) if orientation in (6, 8) else (120, 80))
    assert min(image.getpixel(corner)) > 200


def test_place_camera_and_comments_are_gone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    path = saved(
        tmp_path / "gps.jpg", gradient(), exif=exif, comment=b"SecretComment", dpi=(300, 300)
    )
    assert b"SecretCamera" in path.read_bytes()
    image = read_photo(path)
    assert not image.info
    assert not image.getexif()
    image.save(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as again:
        assert not again.info
    assert b"Secret" not in (tmp_path / "out.png").read_bytes()


def test_damaged_exif_does_not_cost_the_photo(tmp_path: Path) -> None:
    path = saved(tmp_path / "odd.jpg", gradient(), exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert read_photo(path).size == (120, 80)


def test_colours_follow_the_files_own_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"held").replace(b"gXYZ", b"rXYZ").replace(b"held", b"gXYZ")
    red = Image.new("RGB", (40, 40), (250, 0, 0))
    path = saved(tmp_path / "swapped.png", red, icc_profile=swapped)
    assert np.abs(np.subtract(read_photo(path).getpixel((20, 20)), (0, 250, 0))).max() <= 3


def test_a_useless_profile_is_ignored(tmp_path: Path) -> None:
    path = saved(tmp_path / "bad.png", gradient(), icc_profile=b"no profile at all")
    assert np.array_equal(np.asarray(read_photo(path)), np.asarray(gradient()))


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_large_photo_is_scaled_down(tmp_path: Path, format_: str) -> None:
    path = saved(tmp_path / "large", gradient(5000, 2500), format=format_)
    image = read_photo(path)
    assert image.size == (2000, 1000)
    small = np.asarray(gradient().resize((64, 32)), int)
    assert np.abs(np.asarray(image.resize((64, 32)), int) - small).mean() < 4


def test_a_jpeg_one_pixel_wide_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "thread.jpg", gradient(1, 9000))
    assert read_photo(path, longest=900).size == (1, 900)


def test_a_large_jpeg_is_decoded_at_the_size_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "large.jpg", gradient(400, 300))
    decoded = []
    load = JpegImageFile.load

    def watched(self: JpegImageFile) -> object:
        pixels = load(self)
        decoded.append(self.size)
        return pixels

    monkeypatch.setattr(JpegImageFile, "load", watched)
    assert read_photo(path, longest=200).size == (200, 150)
    assert set(decoded) == {(200, 150)}


@pytest.mark.parametrize("seed", range(60))
def test_no_mutated_file_does_more_than_raise_a_photo_error(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    buffer = io.BytesIO()
    gradient(48, 32).save(buffer, format=("JPEG", "PNG", "WEBP")[seed % 3])
    content = bytearray(buffer.getvalue())
    for position in random.integers(0, len(content), 12):
        content[position] = random.integers(256)
    (tmp_path / "mutant").write_bytes(content)
    with contextlib.suppress(PhotoError):
        assert read_photo(tmp_path / "mutant").mode == "RGB"
