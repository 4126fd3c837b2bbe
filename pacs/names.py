"""Every setting by its name, with its default and its meaning in words an operator understands.

This table is what the typo guard knows, what ``docs/OPERATIONS.md`` and the compose file are held against.
"""

from typing import Final

SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "PACS_DATA_DIR": ("./var/data", "where sealed packs, journals and the embedded database are kept"),
    "PACS_KEK_URL": (
        "file:./var/root.key",
        "the root key: file:PATH, outside the data directory, or pkcs11:… for one in an HSM",
    ),
    "PACS_SECRET_KEY": ("a file beside the root key", "signs cookies and tokens; 50 random characters or more"),
    "PACS_BIND": ("127.0.0.1", "the address the web and DICOM servers listen on"),
    "PACS_HOSTS": ("localhost,127.0.0.1,[::1]", "host names under which people reach the archive"),
    "PACS_WEB_PORT": ("8443", "the HTTPS port"),
    "PACS_WEB_WORKERS": ("2", "web server processes"),
    "PACS_DICOM_PORT": ("11112", "the plain DICOM port"),
    "PACS_DICOM_TLS_PORT": ("2762", "the DICOM TLS port, opened once a device certificate has been issued"),
    "PACS_DICOM_PLAIN_NETWORKS": ("", "address ranges that may speak DICOM without TLS; empty means loopback only"),
    "PACS_AE_TITLES": ("CUSTOS", "the application entity titles this archive answers to"),
    "PACS_DATABASE_URL": ("sqlite:DATA/index.sqlite3", "the database: sqlite:PATH or postgres://…"),
    "PACS_DATABASE_MIGRATE_URL": ("", "the login that owns the tables, used by migrate alone"),
    "PACS_REDIS_URL": ("", "the broker that wakes workers; without it, files in the data directory do"),
    "PACS_BLOB_URL": ("file:DATA/packs", "where packs are kept: file:PATH or s3:BUCKET/PREFIX"),
    "PACS_S3_ENDPOINT": ("", "with s3: — the address of the service, https://HOST:PORT; empty means Amazon's own"),
    "PACS_S3_REGION": ("", "with s3: — the region of the bucket; empty leaves it to AWS_REGION and its like"),
    "PACS_TRUSTED_PROXIES": ("", "address ranges of proxies whose forwarding headers are believed"),
    "PACS_ANCHORS": (
        "file:./var/anchors",
        "where signed checkpoints of the log are copied to, outside the data directory: file:PATH or s3:BUCKET/PREFIX",
    ),
    "PACS_ANCHOR_S3_ENDPOINT": ("", "with an s3: anchor — the address of the service; empty means Amazon's own"),
    "PACS_ANCHOR_S3_REGION": (
        "",
        "with an s3: anchor — the region of the bucket; empty leaves it to AWS_REGION and its like",
    ),
    "PACS_ANCHOR_S3_PROFILE": (
        "",
        "with an s3: anchor — the profile of credentials for it, best another than for packs",
    ),
    "PACS_SYSLOG_URL": ("", "the collector of audit messages, tls://HOST:PORT; empty means none"),
    "PACS_SYSLOG_CA": ("", "with a collector — the authority whose certificate it must show, PEM"),
    "PACS_SYSLOG_CERT": ("", "with a collector — the certificate that this archive shows, PEM; empty means none"),
    "PACS_SYSLOG_KEY": ("", "with a collector — the private key of that certificate, PEM"),
    "PACS_SESSION_IDLE_MINUTES": ("30", "minutes without use after which a session ends; 5 to 60"),
    "PACS_SESSION_HOURS": ("12", "hours after which a session ends in any case, and what was laid out at it; 1 to 12"),
    "PACS_SCREEN_LOCK_MINUTES": ("10", "minutes without use after which a screen locks; 1 or more, below those above"),
    "PACS_FOUR_EYES": ("on", "acts that need two people; off puts a delay and a notice in their place"),
    "PACS_TRASH_DAYS": ("30", "days for which a study stays in the trash before it may be destroyed; 1 or more"),
    "PACS_VERIFY_HOUR": ("3", "the hour, 0 to 23 in PACS_TIMEZONE, at which the whole record is verified every night"),
    "PACS_VERIFY_DAYS": ("7", "days without a good verification of the record after which an alert is raised; 1 to 90"),
    "PACS_SEARCH": ("full", "how names can be searched: exact, prefix or full; more tokens leak more"),
    "PACS_TLS": ("self", "self (own private CA), files, proxy, or off (loopback only)"),
    "PACS_TLS_CERT": ("", "with PACS_TLS=files: the certificate chain, PEM"),
    "PACS_TLS_KEY": ("", "with PACS_TLS=files: the private key, PEM, PKCS#8"),
    "PACS_TIMEZONE": ("UTC", "the time zone of pages, such as Europe/Paris"),
    "PACS_LANGUAGE": ("en", "the language of people who chose none: en or fr"),
    "PACS_TEST_DATA": ("../shared/data", "a folder of sample studies for the demo and the tests"),
    "PACS_TEST_REQUIRE": (
        "",
        "suites whose absence is a failure: postgres,redis,browser,dcmtk,softhsm,seaweedfs,rsyslog",
    ),
    "PACS_TEST_POSTGRES_URL": ("", "the server on which tests create databases of their own"),
    "PACS_TEST_REDIS_URL": ("", "the broker that tests use"),
}

NAMES: Final = frozenset(SETTINGS)
