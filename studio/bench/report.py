"""The bench's report: Markdown, and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference.bench.intervals import Interval

_COLUMNS = {
    "adapter": "adapter",
    "base": "base alone",
    "bleed": "adapter, about nobody",
    "renamed": "adapter, about another name",
    "truth": "true clips through the VAE",
    "drawn": "true clips",
    "other": "another individual",
    "still": "a photo held still",
}


def markdown(bench: dict[str, Any]) -> str:
    """The report's text."""
    plan = bench["plan"]
    counted = ", ".join(_counted(count, kind) for kind, count in plan["subjects"].items())
    lines = [
        "# Bench",
        "",
        f"Base `{bench['base']}`, {counted}, {_counted(plan['scenes'], 'prompt')} with "
        f"{_counted(plan['seeds'], 'seed')} each. In brackets: 95% bootstrap interval over "
        "subjects.",
    ]
    for kind, sections in bench["figures"].items():
        for section, figures in sections.items():
            if rows := _table(figures):
                lines += ["", f"## {kind.capitalize()}: {section}", "", *rows]
    lines += ["", "## Languages", "", *_languages(bench["languages"])]
    if bench["curve"]:
        lines += ["", "## The more photos, the closer", "", "![](curve.png)"]
    lines += ["", "## The judge itself, on true clips", "", "```", bench["judge"], "```", ""]
    return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    many = "people" if what == "person" else f"{what}s"
    return f"{count} {what if count == 1 else many}"


def _table(figures: dict[str, dict[str, Any]]) -> list[str]:
    chance = figures.get("chance", {})
    rows = {name: row for name, row in figures.items() if name != "chance"}
    shown = [v for v in _COLUMNS if any(row.get(v) is not None for row in rows.values())]
    if not shown:
        return []
    heads = ["measure", *(_COLUMNS[variant] for variant in shown), *(["chance"] if chance else [])]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for name, row in rows.items():
        cells = [_cell(row.get(variant)) for variant in shown]
        lines.append(_line([name, *cells, *([f"{chance[name]:.2f}"] if chance else [])]))
    return lines


def _languages(languages: dict[str, dict[str, list[bool]]]) -> list[str]:
    choices = list(next(iter(languages.values())))
    lines = [_line(["language", *choices]), _line(["---"] * (len(choices) + 1))]
    for language, hits in languages.items():
        shares = [f"{sum(hits[c]) / len(hits[c]):.2f}" if hits.get(c) else "–" for c in choices]
        lines.append(_line([language, *shares]))
    return lines


def _cell(found: Interval | None) -> str:
    return "–" if found is None else "{:.2f} ({:.2f} to {:.2f})".format(*found)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plot(bench: dict[str, Any], folder: Path) -> None:
    """Draw likeness by variant, prompt accuracy, and the photo curve if there is one."""
    from matplotlib.figure import Figure

    kinds = bench["figures"]
    figure = Figure(figsize=(11, 4 * len(kinds)), layout="constrained")
    rows = figure.subplots(len(kinds), 2, squeeze=False)
    for (likeness, prompt), (kind, found) in zip(rows, kinds.items(), strict=True):
        _bars(likeness, found["likeness"], ["median, of the ceiling", "rank1"])
        likeness.set_title(f"{kind}: likeness")
        _bars(prompt, found["prompt"], [name for name in found["prompt"] if name != "chance"])
        prompt.set_title("share of clips that show what was asked for")
    figure.legend(*prompt.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(folder / "bench.png", dpi=120)
    if bench["curve"]:
        _plot_curve(bench["curve"], folder / "curve.png")


def _bars(axes: Any, figures: dict[str, dict[str, Any]], names: list[str]) -> None:
    variants = [v for v in ("adapter", "base", "truth") if figures[names[0]].get(v)]
    for number, variant in enumerate(variants):
        known = [(at, figures[name][variant]) for at, name in enumerate(names)]
        shown = [(at, found) for at, found in known if found]
        places = [at + 0.27 * (number - 1) for at, _ in shown]
        heights = [found[0] for _, found in shown]
        reach = [[f[0] - f[1] for _, f in shown], [f[2] - f[0] for _, f in shown]]
        axes.bar(places, heights, 0.25, yerr=reach, label=_COLUMNS[variant], capsize=2)
    axes.set_xticks(range(len(names)), names, rotation=20)


def _plot_curve(curve: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for spread in dict.fromkeys(point["set"] for point in curve):
        points = [point for point in curve if point["set"] == spread]
        middle = [point["likeness"][0] for point in points]
        reach = [[p["likeness"][0] - p["likeness"][1] for p in points]]
        reach += [[p["likeness"][2] - p["likeness"][0] for p in points]]
        axes.errorbar([p["photos"] for p in points], middle, reach, label=spread, capsize=3)
    axes.set(xscale="log", xlabel="photos", ylabel="likeness to true pictures, of their ceiling")
    axes.set_xticks([p["photos"] for p in points], [str(p["photos"]) for p in points])
    axes.legend()
    figure.savefig(path, dpi=120)
