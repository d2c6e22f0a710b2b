"""The runbook: one page an alert, with the same four parts in both languages, and nothing that must not leave the house."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
import yaml

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
PAGES: Final = sorted((DEPLOY / "runbooks").glob("*.md"))
PARTS: Final = (
    "Nghĩa là gì · What it means",
    "Kiểm tra · Check",
    "Xử lý · Act",
    "Khi nào gọi ai · When to call whom",
)
#: Letters that only Vietnamese has.
VIETNAMESE: Final = re.compile(r"[ăâđêôơưạảấầẩậắằẳặẹẻếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ]")


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    """An alert without a page leaves a person alone; a page without an alert is never read."""
    groups = [
        group
        for file in (DEPLOY / "prometheus" / "rules").glob("*.rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
    ]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert {path.stem for path in PAGES} == alerts


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_it_means_what_to_check_what_to_do_and_whom_to_call(page: Path) -> None:
    """The four parts are there in this order, none empty, each in both languages."""
    text = page.read_text()
    heading, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert heading.startswith(f"# {page.stem} · ")
    assert VIETNAMESE.search(heading)
    assert tuple(part.partition("\n")[0] for part in parts) == PARTS
    for part in parts:
        body = part.partition("\n")[2].strip()
        vietnamese = VIETNAMESE.search(body) or not re.search(r"[a-z]{4,} [a-z]{4,} [a-z]{4,}", body)
        assert body
        assert vietnamese, f"no Vietnamese: {body}"
    assert " · " in parts[-1] or "\n" in parts[-1].strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_has_no_address(page: Path) -> None:
    """No address but loopback, no telephone number, no circuit."""
    text = page.read_text().replace("127.0.0.1", "")
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", text)
    assert not re.search(r"\b0\d{2,3}[ .]?\d{3}[ .]?\d{3}\b", text)
