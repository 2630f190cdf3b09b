"""Inner loops of linear demand for many trajectories at once; imports numba only.

They follow `forecast.population.projection.kernel.one_year_lanes` year by year, so that no population by age is kept: a year's
people become need while they are still in the cache. Inputs first, `out` last, nothing in place.
"""

from __future__ import annotations

from forecast.basics.folders import compiled

FAST = {"nsz", "arcp", "contract", "reassoc", "nnan", "ninf"}


@compiled(fastmath=FAST)
def weigh_ages(people, weights, first, stop, out):  # type: ignore[no-untyped-def]
    """Need of every service: persons by age times what each needs, ages `first` to `stop` - 1 of the service.

    people: (sex, age, lane) persons; weights: (service, sex, age) units per person; first, stop: (service,);
    out: (service, lane) units.
    """
    zero = people.dtype.type(0)
    for service in range(out.shape[0]):
        for lane in range(out.shape[1]):
            out[service, lane] = zero
        ages = stop[service] - first[service]
        for sex in range(people.shape[0]):
            for step in range(ages // 4):  # four ages a pass: a quarter of the reads and writes of `out`
                age = first[service] + 4 * step
                a, b = weights[service, sex, age], weights[service, sex, age + 1]
                c, d = weights[service, sex, age + 2], weights[service, sex, age + 3]
                for lane in range(out.shape[1]):
                    out[service, lane] += (
                        a * people[sex, age, lane]
                        + b * people[sex, age + 1, lane]
                        + c * people[sex, age + 2, lane]
                        + d * people[sex, age + 3, lane]
                    )
            for age in range(first[service] + ages // 4 * 4, stop[service]):
                weight = weights[service, sex, age]
                for lane in range(out.shape[1]):
                    out[service, lane] += weight * people[sex, age, lane]


@compiled(fastmath=FAST)
def progress_grades(pupils, entrants, promoted, repeating, out):  # type: ignore[no-untyped-def]
    """Pupils by grade a year on: those promoted from the grade below and those who repeat. Asked alone.

    pupils, out: (grade, lane); entrants: (lane,) into the first grade; promoted, repeating: (grade,) shares, the
    promoted of grade g coming from g - 1.
    """
    for lane in range(out.shape[1]):
        out[0, lane] = entrants[lane] + repeating[0] * pupils[0, lane]
    for grade in range(1, out.shape[0]):
        up, again = promoted[grade], repeating[grade]
        for lane in range(out.shape[1]):
            out[grade, lane] = up * pupils[grade - 1, lane] + again * pupils[grade, lane]
