"""Intake: files in, plain pictures out, each decoded in a process that may die of it.

Shape suffixes: H rows, W columns, 3 colours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from subjects.errors import PhotoError, SubjectError
from subjects.sources import Source

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PICTURES = 2000
PICTURE_SECONDS, FILE_SECONDS = 30.0, 300.0
"""How long one picture may take to decode, and one archive or video to look through."""

_AT_ONCE = min(2, os.cpu_count() or 1)


class Intake:
    """The pictures of files, decoded by two processes that end with it.

    Args:
        paths: photos, zip archives of photos, and videos.

    Attributes:
        sources: every picture that there is, in the files' order.

    Raises:
        SubjectError: if there are too many pictures.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Look into every file."""
        self._decoders = SimpleQueue[_Decoder]()
        for _ in range(_AT_ONCE):
            self._decoders.put(_Decoder())
        self._threads = ThreadPoolExecutor(_AT_ONCE)
        try:
            found = list(self._threads.map(self._sources, paths))
        except BaseException:
            self.close()
            raise
        self.sources = [source for several in found for source in several]
        if len(self.sources) > MOST_PICTURES:
            self.close()
            raise SubjectError(
                f"{len(self.sources)} photos given: give at most {MOST_PICTURES}; 8 to 20 good "
                "ones are best."
            )

    def __enter__(self) -> Self:
        """The intake itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._decoders.empty():
            self._decoders.get().end()

    def pictures(self, sources: Sequence[Source]) -> Iterator[Image | PhotoError]:
        """Decode pictures, a few ahead of the one that is asked for.

        Yields:
            for each source its picture, RGB, or what was wrong with it.
        """
        ahead: deque[Future[Image | PhotoError]] = deque()
        for source in sources:
            ahead.append(self._threads.submit(self._picture, source))
            if len(ahead) > _AT_ONCE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _picture(self, source: Source) -> Image | PhotoError:
        from PIL import Image

        if source.problem:
            return PhotoError(source.path, source.problem)
        said, pixels = self._ask("picture", source, PICTURE_SECONDS)
        if "problem" in said:
            return PhotoError(source.path, said["problem"])
        return Image.frombytes("RGB", tuple(said["size"]), pixels)

    def _sources(self, path: Path) -> list[Source]:
        said, _ = self._ask("sources", Source(path), FILE_SECONDS)
        if "problem" in said:
            return [Source(path, problem=said["problem"])]
        return [Source.of(record) for record in said["sources"]]

    def _ask(self, wanted: str, source: Source, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Ask a free decoder; one that died of it is replaced."""
        decoder = self._decoders.get()
        try:
            return decoder.ask({"wanted": wanted, "source": source.record()}, seconds)
        except _Died as error:
            decoder.end()
            decoder = _Decoder()
            return {"problem": str(error)}, b""
        finally:
            self._decoders.put(decoder)


class _Died(Exception):
    """A decoder ended instead of answering; says why, as an audit shows it."""


class _Decoder:
    """One running `subjects.decoder`."""

    def __init__(self) -> None:
        home = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "subjects.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        assert self._process.stdin
        assert self._process.stdout
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, give_up)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            said = json.loads(self._process.stdout.readline() or b"null")
            if said is None:
                raise BrokenPipeError
            width, height = said.get("size", (0, 0))
            pixels = self._process.stdout.read(3 * width * height)
            if len(pixels) < 3 * width * height:
                raise BrokenPipeError
        except (OSError, ValueError) as error:
            if late.is_set():
                cause = f"decoding took more than {seconds:.0f} s; save it anew, or smaller"
                raise _Died(cause) from error
            raise _Died("damaged: the decoder crashed over it; save it anew") from error
        finally:
            timer.cancel()
        return said, pixels

    def end(self) -> None:
        """Stop the process, whatever it does."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # half a question may still be on its way
            pass
