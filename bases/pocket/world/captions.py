"""Captions: what a scene shows, in words, and never who is in it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bases.pocket.world.scenes import ACTIONS, EXPRESSIONS, PLACES, SHOTS, VIEWS, Scene

Words = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Language:
    """Words for everything that a caption can name; the first of each tuple is the plainest."""

    person: tuple[str, ...]
    action: Words
    place: Words
    shot: Words
    expression: Words
    view: Words
    comma: str
    space: str


LANGUAGES = {
    "en": Language(
        person=("a person", "a person", "someone", "one person", "a cartoon person"),
        action={
            "stand": ("standing", "standing still", "stands there", "is standing"),
            "walk": ("walking", "walking along", "walks", "taking a walk", "is walking"),
            "jump": ("jumping", "jumping up", "jumps", "jumping up and down", "is jumping"),
            "wave": ("waving", "waving a hand", "waves", "waving hello", "is waving"),
            "dance": ("dancing", "dancing around", "dances", "doing a dance", "is dancing"),
            "clap": ("clapping", "clapping hands", "claps", "applauding", "is clapping"),
        },
        place={
            "beach": ("at the beach", "on the beach", "on a sandy beach", "by the sea"),
            "forest": ("in the forest", "in a forest", "in the woods", "among trees"),
            "city": ("in the city", "in a city", "on a city street", "in town"),
            "room": ("in a room", "in the room", "indoors", "at home", "in the living room"),
            "snow": ("in the snow", "on snow", "in snowy mountains", "in winter"),
            "desert": ("in the desert", "in a desert", "among dunes", "in the hot desert"),
        },
        shot={
            "close-up": ("close-up", "a close-up", "close up", "close-up shot"),
            "medium": ("medium shot", "a medium shot", "half body", "waist up"),
            "wide": ("wide shot", "a wide shot", "full body", "long shot"),
        },
        expression={
            "neutral": ("with a neutral face", "neutral expression", "calm", "looking calm"),
            "happy": ("happy", "smiling", "with a smile", "looking happy"),
            "sad": ("sad", "with a sad face", "looking sad", "unhappy"),
            "angry": ("angry", "with an angry face", "looking angry", "furious"),
            "surprised": ("surprised", "with a surprised face", "looking surprised", "astonished"),
        },
        view={
            "front": ("facing the camera", "front view", "from the front"),
            "three-quarter": ("three-quarter view", "in three-quarter view", "half turned"),
            "profile": ("in profile", "profile view", "side view", "from the side"),
        },
        comma=", ",
        space=" ",
    ),
    "zh": Language(
        person=("一个人", "一个人", "有人", "一位人物"),
        action={
            "stand": ("站着", "正在站着", "站立"),
            "walk": ("走路", "正在走路", "散步", "行走"),
            "jump": ("跳跃", "正在跳", "跳起来"),
            "wave": ("挥手", "正在挥手", "招手"),
            "dance": ("跳舞", "正在跳舞", "舞蹈"),
            "clap": ("鼓掌", "正在鼓掌", "拍手"),
        },
        place={
            "beach": ("在海滩上", "在沙滩上", "在海边"),
            "forest": ("在森林里", "在树林中", "在林间"),
            "city": ("在城市里", "在街上", "在城里"),
            "room": ("在房间里", "在室内", "在家里"),
            "snow": ("在雪地里", "在雪中", "在雪山上"),
            "desert": ("在沙漠里", "在沙漠中", "在沙丘上"),
        },
        shot={
            "close-up": ("特写", "特写镜头", "近景特写"),
            "medium": ("中景", "中景镜头", "半身"),
            "wide": ("远景", "全景", "全身"),
        },
        expression={
            "neutral": ("表情平静", "面无表情", "平静"),
            "happy": ("开心", "微笑", "高兴"),
            "sad": ("悲伤", "难过", "伤心"),
            "angry": ("生气", "愤怒", "发怒"),
            "surprised": ("惊讶", "吃惊", "惊奇"),
        },
        view={
            "front": ("正面", "面向镜头"),
            "three-quarter": ("四分之三侧面", "半侧面"),
            "profile": ("侧面", "侧脸"),
        },
        comma="，",
        space="",
    ),
}

_LETTERS = ("bcdfghjklmnprstvz", "aeiou")


def caption(
    scene: Scene,
    index: int = 0,
    *,
    language: str = "en",
    subject: str | None = None,
    rng: random.Random | None = None,
) -> str:
    """Put one scene into words.

    Args:
        scene: the scenes.
        index: which of them.
        language: a key of `LANGUAGES`.
        subject: how to call who is in it; a plain "a person" if not given.
        rng: draws wording, order and what to leave out; without it everything is named plainly.

    Raises:
        KeyError: if the language is unknown.
    """
    words = LANGUAGES[language]
    action = words.action[ACTIONS[scene.action[index]]]
    place = words.place[PLACES[scene.place[index]]]
    loose = [
        words.shot[SHOTS[scene.shot[index]]],
        words.expression[EXPRESSIONS[scene.expression[index]]],
        words.view[VIEWS[scene.view[index]]],
    ]
    if rng is None:
        parts = [subject or words.person[0], action[0], place[0]]
        if language == "zh":
            parts = [parts[0], parts[2], parts[1]]
        return words.comma.join([words.space.join(parts), *(names[0] for names in loose)])
    return _free_wording(words, subject or rng.choice(words.person), action, place, loose, rng)


def _free_wording(
    words: Language,
    subject: str,
    action: tuple[str, ...],
    place: tuple[str, ...],
    loose: list[tuple[str, ...]],
    rng: random.Random,
) -> str:
    core = [rng.choice(names) for names in (action, place) if rng.random() < 0.93]
    if rng.random() < 0.3:
        core.reverse()
    sentence = words.space.join([subject, *core])
    named = [rng.choice(names) for names in loose if rng.random() < 0.8]
    rng.shuffle(named)
    cut = rng.randint(0, len(named)) if rng.random() < 0.4 else 0
    return words.comma.join([*named[:cut], sentence, *named[cut:]])


def invented_name(rng: random.Random) -> str:
    """A word that means nothing, so that a base learns to leave names of subjects alone."""
    return "".join(rng.choice(_LETTERS[i % 2]) for i in range(rng.randint(4, 7)))
