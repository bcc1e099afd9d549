"""The command line, a thin face over `ser_bench.api`."""
