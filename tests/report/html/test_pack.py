"""Tables travel as columns, each once; what the script reads from them is what Python wrote."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from forecast.report.charts import charts_of
from forecast.report.html.pack import COPIED, pack
from forecast.report.view import View
from tests.report.made import many_run


def read(column: dict[str, Any], n: int) -> list[Any]:
    """As the script reads a column."""
    if "values" in column:
        return list(column["values"])
    levels = column["levels"]
    return [levels[column["codes"][k] if "codes" in column else k // column["each"] % len(levels)] for k in range(n)]


def test_every_row_comes_back_and_no_column_stands_twice() -> None:
    view = View(many_run()[0])
    packed = json.loads(pack(view, "zh"))
    for name, kind in charts_of(view).items():
        table, rows = packed["tables"][name], kind.rows(view)
        assert table["n"] == len(rows)
        found = pd.DataFrame({key: read(packed["columns"][at], len(rows)) for key, at in table["columns"].items()})
        for key in rows:
            values = rows[key].to_numpy()
            if values.dtype.kind == "f":
                np.testing.assert_array_equal(found[key].to_numpy(float), values)
            else:
                assert found[key].tolist() == values.tolist(), (name, key)
    columns = [json.dumps(column) for column in packed["columns"]]
    assert len(columns) == len(set(columns))
    assert {len(column) for column in packed["columns"]} == {1, 2}  # the key columns of a product are told in turn
    assert len(packed["words"]["columns"][0].split("|")) == 3 + len(COPIED)
