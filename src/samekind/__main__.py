"""python -m samekind: the command, for those who start it by another program."""

from samekind.cli.app import main

if __name__ == "__main__":
    main()
