"""`python -m examples.sandbox`: runs the stand-in until Ctrl-C, and prints the environment that leads to it."""

import argparse
import sys

from pybridge.payments.gateways import NotConfigured

from . import SandboxError, run


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a stand-in for Stripe on this machine until Ctrl-C.")
    parser.add_argument("--webhooks", metavar="URL", help="post signed events to this address")
    asked = parser.parse_args()
    try:
        with run() as box:
            if asked.webhooks:
                box.webhooks(asked.webhooks)
            for name, value in box.environment.items():
                print(f"export {name}={value}", flush=True)
            box.wait()
    except KeyboardInterrupt:
        return 0
    except (NotConfigured, SandboxError) as error:
        print(error, getattr(error, "hint", ""), sep="\n", file=sys.stderr)
        return 1
    print("The sandbox ended by itself.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
