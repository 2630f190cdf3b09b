"""From people and rates to people a year on: kernels, their drivers, checks, groups, control totals."""
