"""Issues, exit codes and the two-language catalogue."""

from forecast.errors.issues import CannotReadWrite, ForecastError, InputRefused, Issue, UsageError
from forecast.errors.messages import LANGUAGES, say

__all__ = ["LANGUAGES", "CannotReadWrite", "ForecastError", "InputRefused", "Issue", "UsageError", "say"]
