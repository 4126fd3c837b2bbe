"""People, their roles and groups."""

from typing import ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Role(models.Model):
    """A named set of permissions (`accounts.policy.Permission` values)."""

    name = models.CharField(max_length=60, unique=True)
    permissions = models.JSONField(default=list)


class Group(models.Model):
    """A department or team: an audience of studies."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=100, unique=True)


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(username__iexact=username)


class Person(AbstractBaseUser):  # type: ignore[django-manager-missing] # of an untyped library
    """Somebody who signs in with two factors."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    username = models.CharField(max_length=60, unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=5, default="en")
    theme = models.CharField(max_length=5, default="dark")
    roles = models.ManyToManyField(Role, related_name="people")
    groups = models.ManyToManyField(Group, related_name="people")
    is_active = models.BooleanField(default=True)
    password_is_initial = models.BooleanField(default=False)  # given by somebody else: replaced at the first sign-in
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = People()
