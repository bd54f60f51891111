"""Kill a training at random moments until it has been killed often enough, then let it end.

    python -m tests.finetune.killing STATE TRAINING_ARGUMENTS

STATE is the file that the training saves. What takes long to import is imported once; each
training is a process of its own all the same.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from finetune.train import train

KILLS, MOST_SAVES = 6, 3


def main(state: Path, arguments: list[str]) -> None:
    """Kill once before anything is saved, and then after one to three more savings."""
    rng = random.Random(0)
    for saves in (0, *rng.choices(range(1, MOST_SAVES + 1), k=KILLS - 1)):
        child = start(arguments)
        await_saves(child, state, saves)
        time.sleep(rng.uniform(0, 0.2))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit("The training ended by itself before it was killed.")
    _, status = os.waitpid(start(arguments), 0)
    raise SystemExit(os.waitstatus_to_exitcode(status))


def start(arguments: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        train(arguments)
    except BaseException:
        os._exit(1)
    os._exit(0)


def await_saves(child: int, state: Path, saves: int) -> None:
    last = stamp(state)
    while saves:
        time.sleep(0.002)
        if stamp(state) != last:
            last, saves = stamp(state), saves - 1
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended:
            raise SystemExit("The training ended by itself before it was killed.")


def stamp(state: Path) -> int:
    try:
        return state.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
