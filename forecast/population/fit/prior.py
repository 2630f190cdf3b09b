"""Expected uncertainty of places whose own history is short.

Derived: errors of forecasts of eleven Swedish counties (57,000 to 1,600,000 residents, Statistics Sweden), made by
`fit_rates` at sixteen origins from 1973 to 1989 and set against the years to 1990; rounded; for bands past 65, where
counting explained all, the variance of 55 to 64. The level of fertility, of which the counties share one path, is from 32
countries instead: errors of `level_path` on their total fertility (United Nations, World Population Prospects 2024), origins
1970 to 1989. Years after 1990 had no part in either.
"""

from __future__ import annotations

from forecast.population.fit.uncertainty import OwnShape, Prior, Shape

SWEDEN_1990 = Prior(
    fertility=Shape(1.0, 0.046, 0.0),
    fertility_own=OwnShape(Shape(1.0, 0.34, 0.55), 2.6e-4, 0.9),
    mortality=Shape(1.0, 0.016, 0.0),
    migration=Shape(0.6, 0.0013, 0.0),
    migration_own=OwnShape(Shape(0.8, 0.62, 0.58), 6.4e-6, 1.7),
    bands=(
        OwnShape(Shape(0.9, 0.52, 0.68), 6.8e-6, 0.0),
        OwnShape(Shape(0.8, 0.66, 0.46), 2.1e-6, 0.4),
        OwnShape(Shape(1.0, 0.42, 0.71), 2.5e-6, 0.5),
        OwnShape(Shape(0.95, 0.41, 0.56), 1.3e-5, 1.5),
        OwnShape(Shape(1.0, 0.30, 0.63), 1.4e-5, 0.0),
        OwnShape(Shape(1.0, 0.39, 0.56), 8.9e-7, 0.6),
        OwnShape(Shape(1.0, 0.29, 0.82), 2.2e-7, 0.0),
        OwnShape(Shape(0.95, 0.42, 0.69), 2.8e-7, 0.5),
        OwnShape(Shape(0.95, 0.42, 0.69), 2.8e-7, 0.5),
        OwnShape(Shape(0.95, 0.42, 0.69), 2.8e-7, 0.5),
    ),
    source="errors of forecasts of 11 Swedish counties and of the fertility of 32 countries, origins 1970-1989, to 1990",
)
