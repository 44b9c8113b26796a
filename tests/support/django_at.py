"""Django in this process: its settings are read once, and its connection leads to the database that a test names."""

import os
import time

SETTINGS = "examples.site.settings"


def point(host: str, port: int, name: str, user: str) -> None:
    """From now on models and calls are of this database, as this login role."""
    zone = os.environ.get("TZ")
    os.environ |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "SITE_SECRET_KEY": "of tests"}
    import django

    django.setup()
    from django.db import connection

    # It sets the process's own time zone, which is not ours to change.
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()
    connection.close()
    connection.settings_dict |= {"HOST": host, "PORT": str(port), "NAME": name, "USER": user, "PASSWORD": ""}
