"""The entry of every web process."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from archive import render
from pacs.pools import Pools
from pacs.proxies import behind
from pacs.start import serving

_django = get_wsgi_application()
# All views are loaded now, not by whoever asks first.
resolve("/healthz")
serving("web")
# What decodes images takes a third of a second to come up: by the time somebody has signed in it is there.
render.ready(after=2.0)
application = behind(Pools(_django), settings.PACS_TRUSTED_PROXIES, tls=settings.PACS_TLS)
