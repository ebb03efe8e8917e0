"""People who sign in, those invited to, and the keys that programs use."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from holdfast.desk import roles

ROLE_CHOICES = [(name, title) for name, (title, _) in roles.ROLES.items()]
#: an invitation is good for so long
INVITED_FOR = timedelta(days=14)


class UserManager(BaseUserManager["User"]):
    """Users are found by their e-mail address, in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password) if password else user.set_unusable_password()
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person of the company. `owner_name` is what the facts call them as the owner of accounts."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, default="viewer")
    owner_name = models.CharField(max_length=200, blank=True, db_index=True)
    locale = models.CharField(max_length=12, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    weekly_digest = models.BooleanField(default=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def role_title(self) -> str:
        return roles.ROLES[self.role][0]

    @property
    def initials(self) -> str:
        words = (self.name or self.email.split("@")[0]).replace(".", " ").split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.created_at:
            from django.utils import timezone

            self.created_at = timezone.now()
        super().save(*args, **kwargs)


def hashed(secret: str) -> str:
    """What is kept of a long random secret: enough to know it again, not to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Invitation(models.Model):
    """Somebody was asked to join, with a role; the link's secret is not kept."""

    email = models.EmailField()
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    owner_name = models.CharField(max_length=200, blank=True)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    invited_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.email

    @classmethod
    def make(cls, email: str, role: str, by: User | None, now: datetime, **fields: str) -> tuple[Invitation, str]:
        """The invitation, and its secret for the link."""
        secret = secrets.token_urlsafe(32)
        made = cls.objects.create(
            email=email.lower(), role=role, invited_by=by, invited_at=now, secret_hash=hashed(secret), **fields
        )
        return made, secret

    @classmethod
    def open_for(cls, secret: str, now: datetime) -> Invitation | None:
        """The invitation that a link's secret belongs to, if it can still be accepted."""
        return cls.objects.filter(
            secret_hash=hashed(secret), accepted_at=None, withdrawn_at=None, invited_at__gt=now - INVITED_FOR
        ).first()

    def is_open(self, now: datetime) -> bool:
        return not self.accepted_at and not self.withdrawn_at and self.invited_at > now - INVITED_FOR


class ApiKey(models.Model):
    """A key for programs: `hf_` and 43 characters, shown once; only its hash is kept."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def make(cls, name: str, scopes: list[str], by: User | None, now: datetime) -> tuple[ApiKey, str]:
        """The key's row, and the key itself. ValueError: a scope there is not."""
        unknown = sorted(set(scopes) - set(roles.SCOPES))
        if unknown:
            raise ValueError(f"there is no scope '{unknown[0]}'; the scopes are {', '.join(roles.SCOPES)}")
        key = f"hf_{secrets.token_urlsafe(32)}"
        made = cls.objects.create(
            name=name, prefix=key[:9], secret_hash=hashed(key), scopes=scopes, created_by=by, created_at=now
        )
        return made, key

    @classmethod
    def known(cls, key: str) -> ApiKey | None:
        """The row of a key that is good."""
        return cls.objects.filter(secret_hash=hashed(key), revoked_at=None).first()

    def used(self, now: datetime) -> None:
        """Note the use, once a minute at most."""
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            ApiKey.objects.filter(pk=self.pk).update(last_used_at=now)
