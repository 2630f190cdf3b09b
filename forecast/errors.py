"""Issues, exit codes and the two-language catalogue."""

from forecast.basics.catalogue import LANGUAGES, say
from forecast.basics.issues import CannotReadWrite, ForecastError, InputRefused, Issue, UsageError

__all__ = ["LANGUAGES", "CannotReadWrite", "ForecastError", "InputRefused", "Issue", "UsageError", "say"]
