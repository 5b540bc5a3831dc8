"""`python -m psp_core.cli`, where there is no `psp` on the path."""

from psp_core.cli.commands import main

if __name__ == "__main__":
    main()
