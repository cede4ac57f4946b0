"""Pictures of the live view for the documentation, from a real run: docs/live-types.svg and docs/live-why.svg, and the
same screens as text within docs/live.md.

The shop of examples/ leaks its sessions under real requests, and the view shows it in a terminal of tmux. Needs tmux and
an installed mem_top; takes a minute or two.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import demo  # noqa: E402

SIZE = (100, 30)
WARM_UP = 20.0
"""Seconds until the shop's cache is full."""
CAPTURES = 15
CELL = (8.4, 18.0)
"""The size of a character in the picture."""
INK, PAPER = "#d5d8dc", "#16191d"
DARK = ["#16191d", "#f0616d", "#62c073", "#e0b84c", "#5c9df5", "#c678dd", "#45bcd0", "#d5d8dc"]
BRIGHT = ["#7d848e", "#f0616d", "#8fdc9b", "#f2d07a", "#93c4ff", "#dba1ee", "#7fdce9", "#ffffff"]
BLOCKS = {letter: (index + 1) / 8 for index, letter in enumerate("▁▂▃▄▅▆▇█")}


@dataclass(frozen=True)
class Look:
    """How a character looks."""

    colour: str = INK
    bold: bool = False
    faint: bool = False
    underlined: bool = False
    reversed: bool = False

    def after(self, code: int) -> Look:
        """The look after a number of an SGR sequence."""
        if 30 <= code <= 37:
            return replace(self, colour=DARK[code - 30])
        if 90 <= code <= 97:
            return replace(self, colour=BRIGHT[code - 90])
        changes: dict[int, Look] = {
            0: Look(),
            1: replace(self, bold=True),
            2: replace(self, faint=True),
            4: replace(self, underlined=True),
            7: replace(self, reversed=True),
            39: replace(self, colour=INK),
        }
        return changes.get(code, self)


def cells(line: str, width: int) -> list[tuple[str, Look]]:
    """The characters of a line with their looks. What is not written to the end of the line looks like its last one."""
    found, look = [], Look()
    for sequence, letter in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
        if letter:
            found.append((letter, look))
        else:
            # The first sixteen of 256 colours are the terminal's own.
            indexed = re.fullmatch(r"38;5;(\d+)", sequence)
            if indexed:
                look = replace(look, colour=(DARK + BRIGHT)[int(indexed[1])])
                continue
            for code in sequence.split(";"):
                look = look.after(int(code or 0))
    return found + [(" ", look)] * (width - len(found))


def picture(lines: list[str], width: int) -> str:
    """A screen as SVG. Bars are drawn, not written: fonts leave gaps between them."""
    across, down = CELL
    out = []
    for row, line in enumerate(lines):
        y = 12 + row * down
        pieces: list[tuple[int, str, Look]] = []
        for column, (letter, look) in enumerate(cells(line, width)):
            if pieces and pieces[-1][2] == look and (letter in BLOCKS) == (pieces[-1][1][0] in BLOCKS):
                begin, text, _ = pieces[-1]
                pieces[-1] = begin, text + letter, look
            else:
                pieces.append((column, letter, look))
        for begin, text, look in pieces:
            x, wide = 12 + begin * across, len(text) * across
            ink, paper = (PAPER, look.colour) if look.reversed else (look.colour, None)
            if paper:
                out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{down}" fill="{paper}"/>')
            if text[0] in BLOCKS:
                for place, letter in enumerate(text):
                    high = BLOCKS[letter] * down
                    left, top = x + place * across, y + down - high
                    out.append(
                        f'<rect x="{left:.1f}" y="{top:.1f}" width="{across + 0.2}" height="{high:.1f}" fill="{ink}"/>'
                    )
            elif text.strip():
                looks = ' font-weight="bold"' * look.bold + ' opacity="0.6"' * look.faint
                looks += ' text-decoration="underline"' * look.underlined
                # Browsers collapse spaces, even with `xml:space`, and would stretch what is left over the whole width.
                shown = escape(text).replace(" ", "\u00a0")
                out.append(
                    f'<text x="{x:.1f}" y="{y + 13:.1f}" fill="{ink}" textLength="{wide:.1f}"{looks}>{shown}</text>'
                )
    size = f"{24 + width * across:.0f}", f"{24 + len(lines) * down:.0f}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}" '
        'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">'
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>'
    )
    return "\n".join([head, *out, "</svg>\n"])


class Terminal:
    """A terminal of tmux, in which the view runs."""

    def __init__(self, command: list[str]) -> None:
        self.socket = f"mem-top-picture-{os.getpid()}"
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        width, height = map(str, SIZE)
        tmux = ["tmux", "-L", self.socket, "-f", os.devnull, "new-session", "-d", "-x", width, "-y", height, *command]
        subprocess.run(tmux, check=True, env=environment)

    def tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self.socket, *arguments], check=True, capture_output=True, text=True
        ).stdout

    def screen(self, *options: str) -> list[str]:
        return self.tmux("capture-pane", "-p", *options).splitlines()

    def wait(self, text: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not any(text in line for line in self.screen()):
            if time.monotonic() > until:
                raise SystemExit(f"waited in vain for {text!r}:\n" + "\n".join(self.screen()))
            time.sleep(0.1)


def main() -> None:
    page = ROOT / "docs" / "live.md"
    text = page.read_text(encoding="utf-8")
    with demo.running_shop([]) as shop:
        traffic = demo.Traffic(shop.port)
        traffic.start()
        time.sleep(WARM_UP)
        terminal = Terminal([sys.executable, "-m", "mem_top", str(shop.process.pid)])
        try:
            terminal.wait(f"capture {CAPTURES}:", 60 * CAPTURES)
            terminal.tmux("send-keys", "f")
            terminal.tmux("send-keys", "4")
            time.sleep(1)
            for name in ("types", "why"):
                if name == "why":
                    terminal.tmux("send-keys", "Tab", "Enter")
                    terminal.wait("Why it is suspected", 20)
                svg = picture(terminal.screen("-e"), SIZE[0])
                (ROOT / "docs" / f"live-{name}.svg").write_text(svg, encoding="utf-8")
                shown = "\n".join(line.rstrip() for line in terminal.screen()).rstrip("\n")
                block = re.compile(rf"(<!-- screen: {name} -->\n```text\n).*?(\n```\n)", re.DOTALL)
                assert block.search(text), f"docs/live.md has no place for {name}"
                text = block.sub(lambda found: found[1] + shown + found[2], text)  # noqa: B023
        finally:
            terminal.tmux("kill-server")
            traffic.stop()
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
