"""The cohort-component method written again, slowly, from DESIGN 4: lists and loops, one county, one trajectory.

It knows nothing of the kernel. `project` takes plain nested lists indexed [year][sex][age] (sex 0 female, 1 male).
"""

from __future__ import annotations


def project(baseline, sx, asfr, srb, migrants, timing):  # type: ignore[no-untyped-def]
    """People at every year's end (the baseline first) and births by year and sex."""
    people, births = [baseline], []
    for year in range(len(sx)):
        after, born = step(people[-1], sx[year], asfr[year], srb[year], migrants[year], timing)
        people.append(after)
        births.append(born)
    return people, births


def step(before, sx, asfr, srb, migrants, timing):  # type: ignore[no-untyped-def]
    last = len(before[0]) - 1
    after = [[0.0] * (last + 1) for _ in range(2)]
    staying = [[0.0] * (last + 1) for _ in range(2)]  # women at the year's end who stand in the birth exposure
    for sex in range(2):
        for age in range(1, last + 1):
            sources = [age - 1] if age < last else [last - 1, last]
            ratio, net = sx[sex][age], migrants[sex][age]
            alone = sum(before[sex][source] for source in sources)
            if timing == "end":
                survivors, arrived = ratio * alone, net
            elif timing in ("even", "even_nobirth"):
                first_half = sum(migrants[sex][source] / 2 for source in sources)
                survivors, arrived = ratio * (alone + first_half), net / 2
            elif timing == "mid":
                survivors, arrived = ratio * alone + ratio * net / 2, net / 2
            after[sex][age] = max(survivors + arrived, 0.0)
            counted = timing in ("even", "mid")
            staying[sex][age] = after[sex][age] if counted else survivors
    total = 0.0
    for age in range(1, last):
        at_start = before[0][age]
        if timing in ("even", "even_nobirth"):
            at_start += migrants[0][age] / 2
        total += asfr[age] * (at_start + staying[0][age]) / 2
    girls = total / (1 + srb)
    born = [girls, total - girls]
    for sex in range(2):
        net, ratio = migrants[sex][0], sx[sex][0]
        if timing == "end":
            value = born[sex] * ratio + net
        elif timing in ("even", "even_nobirth"):
            value = born[sex] * ratio + net / 2
        else:  # mid: net (1 + 2 sx) / 3
            value = born[sex] * ratio + net * (1 + 2 * ratio) / 3
        after[sex][0] = max(value, 0.0)
    return after, born
