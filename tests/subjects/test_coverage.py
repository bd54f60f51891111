from __future__ import annotations

from pathlib import Path

import pytest

from subjects import PEOPLE, Coverage, Measures, Photo


def photo(yaw: float | None = 0.0, share: float = 0.5, **known: object) -> Photo:
    height = None if yaw is None else 100 * share
    measures = Measures(100, 100, yaw=yaw, face_height=height, **known)
    return Photo(Path("0001.png"), "mira, a person", "keep", "good", measures)


def advice(*photos: Photo) -> list[str]:
    return Coverage.of(photos, PEOPLE).advice()


GOOD = [
    photo(yaw, share, light=light, clothes=number % 3, background=number)
    for number, (yaw, share, light) in enumerate(
        [
            *((0, 0.5, "even"), (-30, 0.5, "dark"), (30, 0.2, "bright"), (70, 0.5, "even")),
            *((5, 0.1, "dark"), (-70, 0.4, "even"), (10, 0.3, "bright"), (-25, 0.5, "even")),
        ]
    )
]


def test_what_is_shown_is_counted() -> None:
    coverage = Coverage.of(GOOD, PEOPLE)
    assert coverage.table["view"] == {
        "front": 3,
        "left": 2,
        "right": 1,
        "right profile": 1,
        "left profile": 1,
    }
    assert coverage.table["shot"] == {"close-up": 5, "medium shot": 2, "wide shot": 1}
    assert coverage.said()["clothes"] == "3 kinds, the most frequent in 3 of 8"
    assert coverage.said()["light"] == "4 even, 2 dark, 2 bright"


def test_what_is_not_told_of_a_photo_is_counted_too() -> None:
    behind = photo(None, None, light="even", clothes=0, background=9)
    coverage = Coverage.of([*GOOD, behind], PEOPLE)
    assert coverage.said()["shot"] == "5 close-up, 2 medium shot, 1 wide shot, 1 not told"
    assert coverage.said()["light"] == "5 even, 2 dark, 2 bright"


def test_a_good_set_needs_no_advice() -> None:
    assert advice(*GOOD) == []


def test_too_few_photos_ask_for_more() -> None:
    assert advice(*GOOD[:7])[0] == "Add 1 photo or more: 8 to 20 are best."


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (lambda yaw: yaw >= -20, "one that looks to the left"),
        (lambda yaw: abs(yaw) > 20, "one from the front"),
        (lambda yaw: abs(yaw) < 55, "a profile"),
    ],
)
def test_a_view_that_is_lacking_is_asked_for(kept: object, said: str) -> None:
    assert f"Add {said}: a view that no photo shows is made up." in advice(
        *(p for p in GOOD if kept(p.measures.yaw))
    )


def test_a_shot_that_is_lacking_is_asked_for() -> None:
    assert "Add a medium shot and a wide shot." in advice(photo(share=0.5))


def test_photos_that_are_all_alike_are_told_so() -> None:
    alike = [photo(light="even", clothes=0, background=number) for number in range(8)]
    alike += [photo(light="dark", clothes=1, background=9)]
    said = advice(*alike)
    assert any(line.startswith("8 of 9 show the same clothes") for line in said)
    assert any(line.startswith("8 of 9 show the same light") for line in said)
    assert not any("background" in line for line in said)


def test_things_have_no_views() -> None:
    coverage = Coverage.of([photo(None, light="even", background=0)], PEOPLE)
    assert set(coverage.table) == {"light", "background"}
