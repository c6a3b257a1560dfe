"""`python -m rowferry`."""

from rowferry.cli.main import main

if __name__ == "__main__":
    main()
