"""Expected uncertainty of places whose own history is short.

Derived: errors of forecasts of eleven Swedish counties (57,000 to 1,600,000 residents, Statistics Sweden), made by
`fit_rates` at sixteen origins from 1973 to 1989 and set against the years to 1990; rounded; for bands past 65, where
counting explained all, the variance of 55 to 64. Years after 1990 had no part in it.
"""

from __future__ import annotations

from forecast.population.fit.uncertainty import OwnShape, Prior, Shape

SWEDEN_1990 = Prior(
    fertility=Shape(0.9, 0.053, 0.0),
    fertility_own=OwnShape(Shape(1.0, 0.37, 0.54), 2.9e-4, 1.0),
    mortality=Shape(1.0, 0.016, 0.0),
    migration=Shape(0.6, 0.0013, 0.0002),
    migration_own=OwnShape(Shape(0.9, 0.50, 0.61), 6.6e-6, 0.9),
    bands=(
        OwnShape(Shape(0.95, 0.45, 0.66), 9.2e-6, 0.0),
        OwnShape(Shape(0.8, 0.72, 0.32), 2.2e-6, 0.3),
        OwnShape(Shape(1.0, 0.43, 0.64), 5.5e-6, 1.2),
        OwnShape(Shape(1.0, 0.33, 0.53), 1.5e-5, 1.7),
        OwnShape(Shape(1.0, 0.35, 0.65), 1.3e-5, 0.0),
        OwnShape(Shape(1.0, 0.45, 0.59), 7.6e-7, 0.6),
        OwnShape(Shape(0.95, 0.44, 0.92), 2.3e-7, 0.0),
        OwnShape(Shape(0.95, 0.51, 0.85), 2.6e-7, 0.5),
        OwnShape(Shape(0.95, 0.51, 0.85), 2.6e-7, 0.5),
        OwnShape(Shape(0.95, 0.51, 0.85), 2.6e-7, 0.5),
    ),
    source="errors of forecasts of 11 Swedish counties, origins 1973-1989, to 1990",
)
