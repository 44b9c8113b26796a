"""Django's settings. The database is the one that libpq's variables name; the site's own role logs in to it."""

import os

SECRET_KEY = os.environ.get("SITE_SECRET_KEY", "")  # Django refuses to start without one
DEBUG = False
ALLOWED_HOSTS = os.environ.get("SITE_HOSTS", "localhost").split(",")
INSTALLED_APPS = ["examples.site"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "examples.site.ledger.Refusals",
]
ROOT_URLCONF = "examples.site.views"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"builtins": ["examples.site.ledger"]},  # its filter nok
    }
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # the site has no table of its own
SESSION_COOKIE_HTTPONLY = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "billig"),
        "HOST": os.environ.get("PGHOST", ""),
        "PORT": os.environ.get("PGPORT", ""),
        "USER": os.environ.get("SITE_USER", "site"),
        "OPTIONS": {"options": "-c search_path=marketplace"},
    }
}
TIME_ZONE = "Europe/Oslo"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False
LANGUAGE_CODE = "en-gb"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "examples.site.runner.Deployed"
