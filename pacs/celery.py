"""Celery as a waker: messages carry ids only, results are kept nowhere, a lost message loses nothing."""

import os
from pathlib import Path

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs.settings")

app = Celery("custos")


def _file_broker(folder: Path) -> dict[str, object]:
    """Return transport options for a broker made of files; they hold task names and row ids, nothing of patients."""
    for name in ("messages", "processed", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }


def configure() -> None:
    """Point the app at Redis where there is one, else at a folder below the data directory."""
    broker = settings.PACS_REDIS_URL
    app.conf.update(
        broker_url=broker or "filesystem://localhost//",
        broker_transport_options={} if broker else _file_broker(settings.PACS_DATA_DIR / "broker"),
        broker_connection_retry_on_startup=True,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_default_queue="custos",
        task_acks_late=False,
        task_send_sent_event=False,
        worker_send_task_events=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        timezone="UTC",
    )


configure()
app.autodiscover_tasks(["archive"])
