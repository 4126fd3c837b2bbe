"""The one settings file. Everything that differs between installations comes from the environment, read strictly.

``pacs.names`` lists every setting with its default; what is unsafe together is refused by ``pacs.checks`` at start.
"""

import os
import secrets
from pathlib import Path
from typing import Any, Final

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy

from pacs import env, logs
from pacs.databases import database

BASE_DIR: Final = Path(__file__).resolve().parent.parent
_environ = os.environ

# What the operator decides ---------------------------------------------------------------------------------------
PACS_DATA_DIR = env.path(_environ, "PACS_DATA_DIR", BASE_DIR / "var" / "data", root=BASE_DIR)
(PACS_KEK_URL,) = env.locations(
    _environ, "PACS_KEK_URL", f"file:{BASE_DIR / 'var' / 'root.key'}", schemes=("file", "pkcs11"), root=BASE_DIR
)[:1]
PACS_BIND = env.text(_environ, "PACS_BIND", "127.0.0.1")
PACS_HOSTS = env.words(_environ, "PACS_HOSTS", "localhost,127.0.0.1,[::1]")
PACS_WEB_PORT = env.port(_environ, "PACS_WEB_PORT", 8443)
PACS_WEB_WORKERS = env.number(_environ, "PACS_WEB_WORKERS", 2, low=1, high=64)
PACS_DICOM_PORT = env.port(_environ, "PACS_DICOM_PORT", 11112)
PACS_DICOM_TLS_PORT = env.port(_environ, "PACS_DICOM_TLS_PORT", 2762)
PACS_DICOM_PLAIN_NETWORKS = env.networks(_environ, "PACS_DICOM_PLAIN_NETWORKS")
PACS_AE_TITLES = env.words(_environ, "PACS_AE_TITLES", "CUSTOS")
PACS_DATABASE_URL = env.secret(_environ, "PACS_DATABASE_URL") or f"sqlite:{PACS_DATA_DIR / 'index.sqlite3'}"
PACS_DATABASE_MIGRATE_URL = env.secret(_environ, "PACS_DATABASE_MIGRATE_URL")
PACS_REDIS_URL = env.secret(_environ, "PACS_REDIS_URL")
(PACS_BLOB_URL,) = env.locations(
    _environ, "PACS_BLOB_URL", f"file:{PACS_DATA_DIR / 'packs'}", schemes=("file", "s3"), root=BASE_DIR
)[:1]
PACS_S3_ENDPOINT = env.text(_environ, "PACS_S3_ENDPOINT", "")
PACS_S3_REGION = env.text(_environ, "PACS_S3_REGION", "")
PACS_TRUSTED_PROXIES = env.networks(_environ, "PACS_TRUSTED_PROXIES")
PACS_ANCHORS = env.locations(
    _environ, "PACS_ANCHORS", f"file:{BASE_DIR / 'var' / 'anchors'}", schemes=("file", "s3"), root=BASE_DIR
)
PACS_ANCHOR_S3_ENDPOINT = env.text(_environ, "PACS_ANCHOR_S3_ENDPOINT", "")
PACS_ANCHOR_S3_REGION = env.text(_environ, "PACS_ANCHOR_S3_REGION", "")
PACS_ANCHOR_S3_PROFILE = env.text(_environ, "PACS_ANCHOR_S3_PROFILE", "")
PACS_SYSLOG_URL = env.text(_environ, "PACS_SYSLOG_URL", "")
PACS_SYSLOG_CA = env.text(_environ, "PACS_SYSLOG_CA", "")
PACS_SYSLOG_CERT = env.text(_environ, "PACS_SYSLOG_CERT", "")
PACS_SYSLOG_KEY = env.text(_environ, "PACS_SYSLOG_KEY", "")
PACS_SESSION_IDLE_MINUTES = env.number(_environ, "PACS_SESSION_IDLE_MINUTES", 30, low=5, high=60)
PACS_SESSION_HOURS = env.number(_environ, "PACS_SESSION_HOURS", 12, low=1, high=12)
PACS_SCREEN_LOCK_MINUTES = env.number(_environ, "PACS_SCREEN_LOCK_MINUTES", 10, low=1, high=59)
PACS_FOUR_EYES = env.switch(_environ, "PACS_FOUR_EYES", default=True)
PACS_TRASH_DAYS = env.number(_environ, "PACS_TRASH_DAYS", 30, low=1, high=3650)
PACS_VERIFY_HOUR = env.number(_environ, "PACS_VERIFY_HOUR", 3, low=0, high=23)
PACS_VERIFY_DAYS = env.number(_environ, "PACS_VERIFY_DAYS", 7, low=1, high=90)
PACS_SEARCH = env.choice(_environ, "PACS_SEARCH", ("exact", "prefix", "full"), "full")
PACS_TLS = env.choice(_environ, "PACS_TLS", ("self", "files", "proxy", "off"), "self")
PACS_TLS_CERT = env.text(_environ, "PACS_TLS_CERT", "")
PACS_TLS_KEY = env.text(_environ, "PACS_TLS_KEY", "")
PACS_TIMEZONE = env.text(_environ, "PACS_TIMEZONE", "UTC")
PACS_LANGUAGE = env.choice(_environ, "PACS_LANGUAGE", ("en", "fr"), "en")
PACS_TEST_DATA = env.path(_environ, "PACS_TEST_DATA", BASE_DIR.parent / "shared" / "data", root=BASE_DIR)

# Secrets that set-up makes live beside the root key, outside the data directory.
PACS_SECRETS_DIR = env.file_path(PACS_KEK_URL).parent if PACS_KEK_URL.startswith("file:") else PACS_DATA_DIR.parent
PACS_SECRET_KEY_PATH = PACS_SECRETS_DIR / "secret.key"
PACS_SECRET_KEY = env.secret(_environ, "PACS_SECRET_KEY") or env.kept_secret(PACS_SECRET_KEY_PATH)
# Without a kept key every process signs with one of its own; pacs.checks refuses to serve like that.
SECRET_KEY = PACS_SECRET_KEY or secrets.token_urlsafe(64)

# The project ------------------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = list(PACS_HOSTS)
ROOT_URLCONF = "pacs.urls"
WSGI_APPLICATION = "pacs.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "rest_framework",
    "csp",
    "keystore",
    "audit",
    "accounts",
    "archive",
    "pacs",
]
MIDDLEWARE = [
    "pacs.lean.Lean",
    "django.middleware.security.SecurityMiddleware",
    "pacs.headers.Headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.Identify",
    "accounts.middleware.RequireFactors",
    "archive.browser.problems.Problems",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
            ]
        },
    }
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**database(PACS_DATABASE_URL, root=BASE_DIR), "ATOMIC_REQUESTS": False}
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Person"
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.guessable.NotGuessable"},
]
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = "__Host-session"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = PACS_SESSION_HOURS * 3600
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = "__Host-language"
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

# Transport and browser --------------------------------------------------------------------------------------------
SECURE_HSTS_SECONDS = 0 if PACS_TLS == "off" else 2 * 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# There is no plain HTTP port to redirect from: a request that comes unencrypted is not answered at all.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # No redirect, as said above.
    "security.W021",  # Whether a browser vendor lists the host name is the operator's to decide.
]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, "'wasm-unsafe-eval'"],
        "worker-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "style-src": [SELF],
        "style-src-attr": ["'unsafe-inline'"],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# Files of our own, served by whitenoise straight from static/; uploads stay in memory, never in a temporary file ----
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 60
WHITENOISE_MIMETYPES = {".wasm": "application/wasm", ".mjs": "text/javascript", ".js": "text/javascript"}
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/viewer/assets/[^/]+-[\w-]{8}\.\w+$"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# Languages and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = PACS_LANGUAGE
LANGUAGES = [("en", gettext_lazy("English")), ("fr", gettext_lazy("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "pacs.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = PACS_TIMEZONE

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    # The middleware has refused whoever has not given both factors, and the gate says what the others may.
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "archive.dicomweb.problems.handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
LOGGING_CONFIG = None
logs.configure()
