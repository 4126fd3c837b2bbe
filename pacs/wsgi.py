"""The entry of every web process."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from pacs.pools import Pools
from pacs.proxies import behind
from pacs.start import serving

_django = get_wsgi_application()
serving("web")
application = behind(Pools(_django), settings.PACS_TRUSTED_PROXIES, tls=settings.PACS_TLS)
