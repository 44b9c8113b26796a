"""`python -m pybridge`: the command line without its console script, which a moved checkout would break."""

from pybridge.cli.main import app

if __name__ == "__main__":
    app(prog_name="pybridge")
