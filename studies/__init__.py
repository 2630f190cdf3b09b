"""Studies of how well the method does, each written to a page of docs/ by `python -m studies.NAME`; no part of the package.

Pages and figures: accuracy, accuracy_csv, backtests, exactness_page, fertility_abroad, fertility_paths, house_picture, one_census, readme,
rolls, uncertainty, variables, waves.
What they stand on: published and published_rolls read reference data, places and national make pasts of them, china_counties regions; level_rules is a
part of the page of settings; exactness,
planted and warned are the trials, whose bars the tests hold; house reads the ground plan. `frozen` writes all that fixed
runs give, to be compared before and after a change that should alter no number.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: pyproject.toml, models/, scenarios/, data/ and docs/ lie here."""

REFERENCE = Path(os.environ.get("FORECAST_REFERENCE") or ROOT.parent / "shared" / "reference")
"""Published reference data: the folder FORECAST_REFERENCE, or shared/reference beside the checkout; may be absent."""
