"""`manage.py token add|revoke`."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from accounts import gate, tokens
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.commands.person import known
from accounts.management.noun import Noun, Options, Verb
from accounts.models import Token
from audit.actions import Action


def _add(actor: Actor, options: Options) -> dict[str, Any]:
    person = known(actor, Action.TOKEN_CHANGED, options["person"])
    with gate.change(actor, Action.TOKEN_CHANGED, subject=f"person:{person.id}", details={"act": "created"}) as told:
        chosen = {"name": options["name"], "scopes": options["scope"], "days": options["days"]}
        token, secret = tokens.create(person, **chosen, address=options["address"])
        told.update(tokens.told(token))
    expires = token.expires_at.isoformat()
    return {"id": str(token.id), "token": secret, "scopes": token.scopes, "expires": expires, "address": token.address}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("person")
    parser.add_argument("--scope", action="append", help="may be repeated; without it, all that the person may give")
    parser.add_argument("--name", default="")
    parser.add_argument("--days", type=int, default=tokens.DAYS)
    parser.add_argument("--address", default="", metavar="CIDR", help="the address or range it works from")


def _revoke(actor: Actor, options: Options) -> dict[str, Any]:
    token = Token.objects.filter(pk=options["token"]).first()
    if token is None:
        gate.missed(actor, Action.TOKEN_CHANGED, subject=f"token:{options['token']}")
        raise Unacceptable("token", "There is no token with this id.")
    details = {"act": "revoked", "token": str(token.id)}
    with gate.change(actor, Action.TOKEN_CHANGED, subject=f"person:{token.person_id}", details=details):
        tokens.revoke(token)
    return {"id": str(token.id), "revoked": True}


def _revoke_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("token", type=UUID, metavar="ID", help="as `token add` printed it")


class Command(Noun):
    help = "API tokens of people."
    verbs = {
        "add": Verb("Make a token and print it once.", _add, _add_arguments),
        "revoke": Verb("End a token.", _revoke, _revoke_arguments),
    }
