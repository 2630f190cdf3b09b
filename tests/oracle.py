"""The cohort-component method written again, slowly: lists and loops, one county, one trajectory.

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


def project_units(baseline, sx, asfr, srb, arrivals, out_rate, share, belongs, timing, cohort_births=False):  # type: ignore[no-untyped-def]
    """Several units that exchange people. Lists indexed [unit][year][sex][age]; share[from][to][sex][age] of the
    leavers; belongs[mother's unit][child's unit]; `cohort_births`: asfr by the age reached at the year's end."""
    units, years = range(len(baseline)), len(sx[0])
    last = len(baseline[0][0]) - 1
    people = [[baseline[u]] for u in units]
    births = [[] for _ in units]
    for year in range(years):
        before = [people[u][-1] for u in units]
        leave = [[[0.0] * (last + 1) for _ in range(2)] for _ in units]
        net = [[[0.0] * (last + 1) for _ in range(2)] for _ in units]
        after = [[[0.0] * (last + 1) for _ in range(2)] for _ in units]
        for u in units:
            for s in range(2):
                for a in range(1, last + 1):
                    entering = before[u][s][a - 1] + (before[u][s][a] if a == last else 0.0)
                    leave[u][s][a] = entering * out_rate[u][year][s][a]
        for u in units:
            for s in range(2):
                for a in range(1, last + 1):
                    come = sum(leave[v][s][a] * share[v][u][s][a] for v in units)
                    net[u][s][a] = arrivals[u][year][s][a] + come - leave[u][s][a]
        mothers = []
        for u in units:
            total = 0.0
            for s in range(2):
                for a in range(1, last + 1):
                    after[u][s][a] = _end(before[u][s], sx[u][year][s], net[u][s], a, last, timing)[0]
            for a in range(1, last):
                end, survivors = _end(before[u][0], sx[u][year][0], net[u][0], a, last, timing)
                at_end = end if timing in ("even", "mid") else survivors
                exposed = a - 1 if cohort_births else a
                early = net[u][0][exposed] / 2 if timing.startswith("even") else 0.0
                total += asfr[u][year][a] * (before[u][0][exposed] + early + at_end) / 2
            mothers.append((total / (1 + srb[u][year]), total - total / (1 + srb[u][year])))
        for u in units:
            born = [sum(mothers[v][s] * belongs[v][u] for v in units) for s in range(2)]
            births[u].append(born)
        for u in units:
            for s in range(2):
                leave[u][s][0] = births[u][-1][s] * out_rate[u][year][s][0]
        for u in units:
            for s in range(2):
                come = sum(leave[v][s][0] * share[v][u][s][0] for v in units)
                net[u][s][0] = arrivals[u][year][s][0] + come - leave[u][s][0]
                after[u][s][1] = _end(before[u][s], sx[u][year][s], net[u][s], 1, last, timing)[0]
                move, ratio, born = net[u][s][0], sx[u][year][s][0], births[u][-1][s]
                if timing == "end":
                    value = born * ratio + move
                elif timing == "mid":
                    value = born * ratio + move * (1 + 2 * ratio) / 3
                else:
                    value = born * ratio + move / 2
                after[u][s][0] = max(value, 0.0)
            people[u].append(after[u])
    return people, births


def _end(before, sx, net, age, last, timing):  # type: ignore[no-untyped-def]
    """People of the age at the year's end, and those of them who were exposed before the late arrivals came."""
    sources = [age - 1] if age < last else [last - 1, last]
    alone = sum(before[source] for source in sources)
    if timing == "end":
        survivors, late = sx[age] * alone, net[age]
    elif timing.startswith("even"):
        survivors, late = sx[age] * (alone + sum(net[source] / 2 for source in sources)), net[age] / 2
    else:
        survivors, late = sx[age] * (alone + net[age] / 2), net[age] / 2
    return max(survivors + late, 0.0), survivors
