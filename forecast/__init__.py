"""Who will live where, what they will need, and where it will be short or in surplus.

The names in `__init__.pyi` are the whole public interface. They are loaded when first used, so that `import forecast`
and `forecast --help` do not wait for numpy, numba and xarray.

>>> import forecast
>>> "run_forecast" in dir(forecast)
True
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
