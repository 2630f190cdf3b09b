"""The population core: from tables to people, year by year."""

from forecast.population.future.baseline import Baseline, baseline, unchanged
from forecast.population.future.levers import net_migrants
from forecast.population.future.vital_rates import vital_rates
from forecast.population.measures.analysis import (
    crude_rates,
    dependency_ratios,
    leslie_matrix,
    median_age,
    migration_matrix,
    stable_population,
    step_by_matrix,
)
from forecast.population.measures.hamilton_perry import child_woman_ratios, cohort_change_ratios, project_hamilton_perry
from forecast.population.measures.households import estimate_households, headship_rates
from forecast.population.past.known import estimate_past
from forecast.population.projection.groups import registered, resident
from forecast.population.projection.project import check_balance, project_population
from forecast.population.projection.raking import rake_rates
from forecast.population.projection.timeline import people_over_time
from forecast.population.rates.fertility import (
    asfr_from_births,
    asfr_from_tfr,
    mean_age_at_birth,
    shift_mean_age,
    total_fertility,
)
from forecast.population.rates.graduation import graduate, graduate_pclm
from forecast.population.rates.lifetable import (
    collapse_open_age,
    extend_kannisto,
    grouped_survivorship,
    life_table,
    life_table_for_e0,
    life_table_from_qx,
)
from forecast.population.rates.residual import cohort_survival, residual_migration
from forecast.population.rates.schedules import (
    fit_rogers_castro,
    rogers_castro,
    split_by_schedule,
    split_net_by_schedules,
)
from forecast.population.rates.single_years import mid_year, rates_from_five_year_tables

__all__ = [
    "Baseline",
    "asfr_from_births",
    "asfr_from_tfr",
    "baseline",
    "check_balance",
    "child_woman_ratios",
    "cohort_change_ratios",
    "cohort_survival",
    "collapse_open_age",
    "crude_rates",
    "dependency_ratios",
    "estimate_households",
    "estimate_past",
    "extend_kannisto",
    "fit_rogers_castro",
    "graduate",
    "graduate_pclm",
    "grouped_survivorship",
    "headship_rates",
    "leslie_matrix",
    "life_table",
    "life_table_for_e0",
    "life_table_from_qx",
    "mean_age_at_birth",
    "median_age",
    "mid_year",
    "migration_matrix",
    "net_migrants",
    "people_over_time",
    "project_hamilton_perry",
    "project_population",
    "rake_rates",
    "rates_from_five_year_tables",
    "registered",
    "resident",
    "residual_migration",
    "rogers_castro",
    "shift_mean_age",
    "split_by_schedule",
    "split_net_by_schedules",
    "stable_population",
    "step_by_matrix",
    "total_fertility",
    "unchanged",
    "vital_rates",
]
