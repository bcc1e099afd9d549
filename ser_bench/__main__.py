"""Where ``ser-bench`` and ``python -m ser_bench`` begin: what interrupts the first imports is one line, too."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from ser_bench.utils.processes import collect_rarely

        collect_rarely()
        from ser_bench.cli.main import main as run
    except KeyboardInterrupt:
        print("ser-bench: stopped before anything was begun", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
