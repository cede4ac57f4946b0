"""The programs of the zoo that nobody tuned for: all must be right, and no innocent accused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from test_zoo import ZOO, judged
from zoo_judge import expected

import mem_top

pytestmark = pytest.mark.skipif(not hasattr(mem_top, "snapshot"), reason="this mem_top takes no snapshots yet")

UNSEEN = sorted((ZOO / "unseen").glob("*.py"))


def test_a_quarter_is_innocent() -> None:
    cases = [expected(path.read_text(encoding="utf-8")) for path in UNSEEN]
    assert len(cases) > 100
    assert sum(case.innocent for case in cases) >= len(cases) // 4


def test_each_is_named_or_acquitted() -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(judged, UNSEEN))
    wrong = {path.stem: found for path, (found, _) in zip(UNSEEN, answers, strict=True) if found}
    assert not wrong, "\n".join(f"{name}: {'; '.join(found)}" for name, found in wrong.items())
