"""How slow a password is to guess: argon2id with the parameters that OWASP gives for a server."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """46 MiB and one lane: a guess costs an attacker as much, and fifty people at eight o'clock cost us no memory."""

    time_cost = 2
    memory_cost = 46 * 1024
    parallelism = 1
