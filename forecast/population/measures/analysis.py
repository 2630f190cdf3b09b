"""Long-run meaning of a set of vital rates, and the measures by which populations are compared.
Asked alone: no run calls it.

The projection is linear as long as no cell runs empty, so a year is also a matrix: P' = A P + B M, with A the Leslie
matrix of both sexes (women bear, Leslie 1945; Keyfitz and Caswell 2005, chapters 3 and 7) and B what the year's net
migrants add under a convention of timing. The matrices are written here from the formulas of the method and not from
the kernel, so that each checks the other; what a timing means is told once, by `TIMINGS`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, FROM_AGE, FROM_SEX, SEX, SEXES, YEAR, in_order
from forecast.basics.variables import label
from forecast.population.projection.conventions import TIMINGS


def leslie_matrix(sx: xr.DataArray, asfr: xr.DataArray, srb: xr.DataArray) -> xr.DataArray:
    """The year's step of a population without migration as a matrix, A in P' = A P.

    sx: (..., sex, age) survivorship ratio to the age; asfr: (..., age) births per woman-year; srb: (...) boys per
    girl. Single years of age, the last open. Births are asfr times the mean of the women at the start and of the
    survivors among them at the end of the year.
    Returns (..., sex, age, from_sex, from_age): persons at the year's end per person at its start.
    Raises ValueError where sexes or ages are not those of the method.

    >>> import numpy as np, xarray as xr
    >>> sx = xr.DataArray(np.full((2, 4), 0.9), dims=("sex", "age"), coords={"sex": ["female", "male"], "age": range(4)})
    >>> matrix = leslie_matrix(sx, xr.zeros_like(sx.sel(sex="female", drop=True)), xr.DataArray(1.05))
    >>> matrix.sel(sex="male", age=3, from_sex="male").values.tolist()
    [0.0, 0.0, 0.9, 0.9]
    """
    return _matrices(sx, asfr, srb, None)


def migration_matrix(sx: xr.DataArray, asfr: xr.DataArray, srb: xr.DataArray, timing: str = "end") -> xr.DataArray:
    """Persons at the year's end per net migrant of a sex and age, B in P' = A P + B M.

    Arguments as in `leslie_matrix`; timing: "end", "even", "even_nobirth" or "mid". The age of a migrant is the one
    at the year's end. Returns (..., sex, age, from_sex, from_age); the identity where migrants arrive at the end.
    Raises ValueError on an unknown timing.
    """
    if timing not in TIMINGS:
        raise ValueError(f"unknown migration timing {timing!r}; there are: {', '.join(TIMINGS)}")
    return _matrices(sx, asfr, srb, timing)


def _matrices(sx: xr.DataArray, asfr: xr.DataArray, srb: xr.DataArray, timing: str | None) -> xr.DataArray:
    if sx[SEX].values.tolist() != list(SEXES) or (np.diff(sx[AGE].values) != 1).any():
        raise ValueError(f"sx must have the sexes {SEXES} and single years of age")
    with xr.set_options(arithmetic_join="exact"):
        wide = xr.Dataset({"sx": sx, "asfr": asfr, "srb": srb}).astype(float)
    lead = [dim for dim in in_order(wide.sx + 0 * wide.asfr + 0 * wide.srb).dims if dim not in (SEX, AGE)]
    shape = tuple(wide.sizes[dim] for dim in lead)
    coords = {str(dim): wide[dim] for dim in lead}

    def lanes(variable: xr.DataArray, *inner: str) -> np.ndarray:
        missing = {dim: wide.sizes[dim] for dim in lead if dim not in variable.dims}
        values: np.ndarray = variable.expand_dims(missing).transpose(*lead, *inner).values
        return values

    ratios, rates, boys = lanes(wide.sx, SEX, AGE), lanes(wide.asfr, AGE), lanes(wide.srb)
    ages = wide.sizes[AGE]
    out = np.empty((*shape, 2, ages, 2, ages))
    for index in np.ndindex(*shape):
        year = (ratios[index], rates[index], float(boys[index]))
        out[index] = _people(*year) if timing is None else _arrivals(*year, timing)
    labels = {SEX: list(SEXES), AGE: wide[AGE].values, FROM_SEX: list(SEXES), FROM_AGE: wide[AGE].values}
    dims = (*[str(dim) for dim in lead], SEX, AGE, FROM_SEX, FROM_AGE)
    matrix = xr.DataArray(out, dims=dims, coords={**coords, **labels})
    return label(matrix, "analysis.matrix" if timing is None else "analysis.arrivals")


def _ageing(ages: int) -> np.ndarray:
    """(to age, from age): 1 where an age follows on another; the open group keeps its own."""
    shift = np.eye(ages, k=-1)
    shift[-1, -1] = 1.0
    return shift


def _people(sx: np.ndarray, asfr: np.ndarray, srb: float) -> np.ndarray:
    ages = sx.shape[1]
    out = np.zeros((2, ages, 2, ages))
    for sex in range(2):
        out[sex, :, sex, :] = sx[sex][:, None] * _ageing(ages)
    births = asfr @ ((np.eye(ages) + out[0, :, 0, :]) / 2)  # per woman at the start, by her age then
    for sex, share in enumerate((1 / (1 + srb), srb / (1 + srb))):
        out[sex, 0, 0, :] += sx[sex, 0] * share * births
    return out


def _arrivals(sx: np.ndarray, asfr: np.ndarray, srb: float, timing: str) -> np.ndarray:
    before, bearing, after, infant_bearing, infant_after, counted = TIMINGS[timing]
    ages = sx.shape[1]
    out = np.zeros((2, ages, 2, ages))
    for sex in range(2):
        ratio = sx[sex][:, None]
        out[sex, :, sex, :] = ratio * (before * _ageing(ages) + bearing * np.eye(ages)) + after * np.eye(ages)
        out[sex, 0, sex, 0] = infant_bearing * sx[sex, 0] + infant_after
    bearing_women = sx[0][:, None] * (before * _ageing(ages) + bearing * np.eye(ages))
    exposed = (before * np.eye(ages) + bearing_women + counted * after * np.eye(ages)) / 2
    for sex, share in enumerate((1 / (1 + srb), srb / (1 + srb))):
        out[sex, 0, 0, :] += sx[sex, 0] * share * (asfr @ exposed)
    return out


def step_by_matrix(
    people: xr.DataArray,
    matrix: xr.DataArray,
    migrants: xr.DataArray | None = None,
    arrivals: xr.DataArray | None = None,
) -> xr.DataArray:
    """P' = A P + B M of one year: (..., sex, age) persons at its end.

    people, migrants: (..., sex, age); matrix, arrivals: as from `leslie_matrix` and `migration_matrix`. Nothing is
    clipped at zero.
    """
    origin = {SEX: FROM_SEX, AGE: FROM_AGE}
    with xr.set_options(arithmetic_join="exact"):
        after = xr.dot(matrix, people.rename(origin), dim=[FROM_SEX, FROM_AGE])
        if migrants is not None:
            if arrivals is None:
                raise ValueError("migrants need the matrix of their arrivals")
            after = after + xr.dot(arrivals, migrants.rename(origin), dim=[FROM_SEX, FROM_AGE])
    return in_order(after)


def stable_population(sx: xr.DataArray, asfr: xr.DataArray, srb: xr.DataArray) -> xr.Dataset:
    """The population into which constant rates without migration lead, and how it grows and replaces itself.

    sx: (..., sex, age), asfr: (..., age), srb: (...) as in `leslie_matrix`.
    Returns `share` (..., sex, age) of the stable population, summing to 1; `growth` (...), the intrinsic rate r per
    year, ln of the dominant eigenvalue; `net_reproduction` (...), daughters per newborn girl,
    R0 = sum asfr L / (1 + srb); `mean_age_at_birth` (...) years, the mean age of mothers in the stationary population;
    `generation_length` (...) years, T = ln R0 / r (its limit, the mean age at birth, where r is 0).
    Source: Lotka; Keyfitz and Caswell 2005. Raises ValueError where nobody bears children.

    >>> import numpy as np, xarray as xr
    >>> sx = xr.DataArray(np.ones((2, 101)), dims=("sex", "age"), coords={"sex": ["female", "male"], "age": range(101)})
    >>> sx[:, -1] = 0.5
    >>> asfr = xr.where(sx.age == 30, 2.05, 0.0)
    >>> round(stable_population(sx, asfr, xr.DataArray(1.05)).net_reproduction.item(), 9)
    1.0
    """
    matrix = leslie_matrix(sx, asfr, srb)
    ages = matrix.sizes[AGE]
    lead = matrix.dims[:-4]
    flat = matrix.values.reshape(-1, 2 * ages, 2 * ages)
    shares, growth = np.empty((len(flat), 2 * ages)), np.empty(len(flat))
    for lane, square in enumerate(flat):
        growth[lane], shares[lane] = _dominant(square, ages)
    like = matrix.isel({FROM_SEX: 0, FROM_AGE: 0}, drop=True).drop_attrs()
    by_lead = like.isel({SEX: 0, AGE: 0}, drop=True)
    share = like.copy(data=shares.reshape(like.shape))
    r = by_lead.copy(data=growth.reshape(by_lead.shape))
    daughters = _daughters(sx, asfr, srb)
    replaced = daughters.sum(AGE)
    mean_age = ((daughters[AGE] + 0.5) * daughters).sum(AGE) / replaced
    still = abs(r) < 1e-9
    length = xr.where(still, mean_age, np.log(replaced) / r.where(~still, 1.0))
    measures = {
        "share": share,
        "growth": r,
        "net_reproduction": replaced,
        "mean_age_at_birth": mean_age,
        "generation_length": length,
    }
    ordered = {name: in_order(variable.transpose(*lead, ...)) for name, variable in measures.items()}
    return label(xr.Dataset(ordered), "analysis")


def _dominant(square: np.ndarray, ages: int) -> tuple[float, np.ndarray]:
    """Growth rate and shares: the dominant eigenvector of the women's block, and the men who go with it."""
    values, vectors = np.linalg.eig(square[:ages, :ages])
    if not (square[0, :ages] > 0).any():
        raise ValueError("nobody bears children: there is no stable population")
    first = int(np.argmax(values.real))
    factor, women = float(values[first].real), np.abs(vectors[:, first].real)
    born_boys = square[ages, :ages] @ women
    men = np.linalg.solve(factor * np.eye(ages) - square[ages:, ages:], np.append(born_boys, np.zeros(ages - 1)))
    both = np.concatenate([women, men])
    return float(np.log(factor)), both / both.sum()


def _daughters(sx: xr.DataArray, asfr: xr.DataArray, srb: xr.DataArray) -> xr.DataArray:
    """(..., age) daughters that a newborn girl will bear at each age: asfr L / (1 + srb)."""
    girls = sx.sel({SEX: "female"}, drop=True).transpose(..., AGE)
    lived = np.cumprod(girls.values, axis=-1)
    with np.errstate(divide="ignore"):
        lived[..., -1] /= 1 - girls.values[..., -1]  # T of the open group, as its ratio is T / (L + T)
    daughters: xr.DataArray = (asfr * girls.copy(data=lived)).where(asfr > 0, 0.0) / (1 + srb)
    return daughters


def dependency_ratios(population: xr.DataArray, young: int = 15, old: int = 65) -> xr.Dataset:
    """Persons below `young` and from `old` on per person in between: `young`, `old` and `total` (...).

    population: (..., sex, age) persons; the ages must hold both limits. China's statutes count the old from 60, its
    yearbooks from 65; the limits stand in the attributes. Raises ValueError where a limit is no age or nobody is
    in between.
    """
    ages = population[AGE].values
    if young not in ages or old not in ages or young >= old:
        raise ValueError(f"limits {young} and {old} must be two of the ages {ages[0]}..{ages[-1]}")
    people = population.sum(SEX) if SEX in population.dims else population
    between = people.sel({AGE: slice(young, old - 1)}).sum(AGE)
    if bool((between <= 0).any()):
        raise ValueError(f"nobody is aged {young} to {old - 1}")
    below, above = people.sel({AGE: slice(None, young - 1)}).sum(AGE), people.sel({AGE: slice(old, None)}).sum(AGE)
    rows = {"young": below / between, "old": above / between, "total": (below + above) / between}
    ratios = xr.Dataset({name: in_order(value) for name, value in rows.items()}, attrs={"young": young, "old": old})
    return label(ratios, "analysis", young=young, old=old, last=old - 1)


def median_age(population: xr.DataArray) -> xr.DataArray:
    """Age in exact years that halves the population: (...), people spread evenly inside a year or group of age.

    population: (..., [sex,] age) persons, `age` the lower bounds, the last open.
    Raises ValueError where nobody lives, or where half of the people are in the open group.

    >>> import xarray as xr
    >>> float(median_age(xr.DataArray([10.0, 20.0, 10.0], dims="age", coords={"age": [0, 1, 2]})))
    1.5
    """
    people = (population.sum(SEX) if SEX in population.dims else population).transpose(..., AGE)
    values = people.values.astype(float)
    below = np.concatenate([np.zeros_like(values[..., :1]), np.cumsum(values, axis=-1)], axis=-1)
    half = below[..., -1:] / 2
    if not (half > 0).all() or (below[..., -2:-1] <= half).any():
        raise ValueError(
            "the median age cannot be told: nobody lives here, or half of the people are in the open group"
        )
    group = (below <= half).sum(-1, keepdims=True) - 1
    starts = people[AGE].values.astype(float)
    inside = (half - np.take_along_axis(below, group, -1)) / np.take_along_axis(values, group, -1)
    ages = starts[group] + inside * np.append(np.diff(starts), np.nan)[group]
    median = people.isel({AGE: 0}, drop=True).copy(data=ages[..., 0])
    return label(in_order(median).rename("median_age"), "analysis.median_age")


def crude_rates(projection: xr.Dataset) -> xr.Dataset:
    """Births, deaths, net migration and growth per person and year: (..., year) from the second year on.

    projection: as from `project_population`, with net_migration, or in_migration and out_migration. The denominator is
    the mean of the populations at the start and at the end of the year, as Chinese bulletins have it.
    birth_rate - death_rate + net_migration_rate = growth_rate where the projection balances.
    """
    total = projection.population.sum([SEX, AGE])
    now = total.isel({YEAR: slice(1, None)})
    change = now - total.shift({YEAR: 1}).isel({YEAR: slice(1, None)})
    mean = now - change / 2
    flows = projection.isel({YEAR: slice(1, None)})
    net = flows.net_migration if "net_migration" in flows else flows.in_migration - flows.out_migration
    rows = {
        "birth_rate": flows.births.sum(SEX),
        "death_rate": flows.deaths.sum([SEX, AGE]),
        "net_migration_rate": net.sum([SEX, AGE]),
        "growth_rate": change,
    }
    return label(xr.Dataset({name: in_order(value / mean) for name, value in rows.items()}), "analysis")
