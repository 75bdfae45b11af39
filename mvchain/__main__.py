"""`python -m mvchain`: the command line."""

from mvchain.cli.main import main

if __name__ == "__main__":
    main()
