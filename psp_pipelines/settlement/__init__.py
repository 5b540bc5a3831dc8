"""Due dates are settled: assets, checks, jobs, schedules."""
