"""The errors that a caller can catch, and what they carry: the public face of `basics.issues` and `basics.catalogue`."""

from forecast.basics.catalogue import LANGUAGES, say
from forecast.basics.issues import CannotReadWrite, ForecastError, InputRefused, Issue, UsageError

__all__ = ["LANGUAGES", "CannotReadWrite", "ForecastError", "InputRefused", "Issue", "UsageError", "say"]
