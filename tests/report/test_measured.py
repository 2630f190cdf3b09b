"""Accuracy is read from what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.basics.text import same
from forecast.report import measured
from forecast.report.chapters import write_chapters
from forecast.report.view import View
from tests.report.made import (
    made_run,
    plain_page,
)


def test_accuracy_is_read_and_never_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "不能说预测误差有多大" in plain_page() or (Path(measured.folder("data")) / measured.FILE).is_file()
    (tmp_path / measured.FILE).write_text(
        "place,place_zh,n,form,horizon,age_group,measure,value,source\n"
        "Somewhere,某地,25,calibrated,5,all,mdape,0.0123,rolls\n"
        "Somewhere,某地,25,calibrated,10,all,mdape,0.0456,rolls\n"
        "Somewhere,某地,25,calibrated,10,all,coverage80,0.79,rolls\n"
        "Somewhere,某地,25,calibrated,10,65+,mdape,0.02,rolls\n"
        "Somewhere,某地,25,calibrated,10,65+,secret,0.02,rolls\n"
        "Elsewhere,别处,9,fitted,5,all,mdape,0.01,counts\n"
        "Elsewhere,别处,9,fitted,5,all,coverage80,0.8,counts\n",
        "utf-8",
    )
    monkeypatch.setattr(measured, "folder", lambda name: tmp_path)
    chapter = next(one for one in write_chapters(View(made_run())) if one.id == "accuracy")
    assert "某地（25个地区），10年后总人口误差中位数4.6%，80%区间覆盖了79%的实际数" in chapter.sentences[1].zh
    assert "Elsewhere" not in chapter.sentences[1].en  # another form: said apart, and after
    assert "no measure of this run: Elsewhere (9 areas)" in chapter.sentences[2].en
    assert "not how far off this area will be" in chapter.sentences[3].en
    table = chapter.tables[0]
    assert [row[3:] for row in table.rows] == [
        (5, table.rows[0][4], 0.0123, None),
        (10, table.rows[0][4], 0.0456, 0.79),
        (5, table.rows[0][4], 0.01, 0.8),
    ]
    assert [row[3:] for row in chapter.tables[1].rows] == [(10, same("65+"), 0.02)]
