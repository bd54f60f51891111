"""Face packages: opened as what a folder holds, and what their licences say."""

from __future__ import annotations

from pathlib import Path

from subjects.faces import FaceFinder, Finder, folder_of_package
from subjects.liveness import LiveFaces
from subjects.open_faces import OpenFaces, is_open_package


def open_faces(package: Path | str, *, liveness: Path | None = None) -> Finder:
    """What finds faces with a package.

    Args:
        package: a folder of ONNX files, of insightface's kind or OpenCV's YuNet and SFace, or the
            name of a package that insightface has fetched.
        liveness: the file of insightface's addon, to tell faces from pictures of faces.

    Raises:
        FacePackageError: if it is missing, damaged, or lacks a part.
    """
    folder = folder_of_package(package)
    finder = OpenFaces(folder) if is_open_package(folder) else FaceFinder(folder)
    return LiveFaces(finder, liveness) if liveness else finder


def licence_note(package: Path | str) -> str:
    """What the licence of a package allows, in a sentence, as far as the package tells.

    Raises:
        FacePackageError: if it is missing.
    """
    folder = folder_of_package(package)
    if is_open_package(folder):
        return "OpenCV's YuNet is under the MIT licence, its SFace under Apache-2.0."
    from insightface.model_zoo.model_license import inspect_model_package_license

    told = inspect_model_package_license(folder)
    return (
        f"the licence of the face package {folder.name!r} is {told.status} ({told.message}); what "
        "insightface offers to everybody is for non-commercial research alone."
    )
