"""Two answers for whoever watches the machine: the process lives, and the archive can serve."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import open_to_all
from pacs.ready import trouble

logger = logging.getLogger("pacs.health")


@open_to_all
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while this process answers at all."""
    return HttpResponse("alive\n", content_type="text/plain")


@open_to_all
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database, root key and audit pulse are well, else 503; the reason stands in the log only."""
    reason = trouble()
    if reason is None:
        return HttpResponse("ready\n", content_type="text/plain")
    logger.warning("not ready: %s", reason)
    return HttpResponse("not ready\n", content_type="text/plain", status=503, headers={"Retry-After": "5"})
