"""`manage.py device add|list|disable|enrol|revoke`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts import devices, enrolment, gate, groups
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.noun import Noun, Options, Verb
from accounts.models import Device
from accounts.policy import DEVICE_SERVICES
from audit.actions import Action
from keystore import secretfiles


def _told(device: Device) -> dict[str, Any]:
    return {
        "ae_title": device.ae_title,
        "address": device.address,
        "port": device.port,
        "may": device.may,
        "groups": [group.name for group in device.groups.all()],
        "active": device.is_active,
        "certificate": device.certificate,
        "certificate_ends": device.certificate_ends.isoformat() if device.certificate_ends else None,
        "only_tls": device.only_tls,
    }


def _add(actor: Actor, options: Options) -> dict[str, Any]:
    may = [word for word in options["may"].split(",") if word]
    with gate.change(actor, Action.DEVICE_CHANGED, subject=options["ae_title"], details={"act": "created"}) as told:
        device = devices.create(
            options["ae_title"],
            options["address"],
            groups.named(options["group"]),
            may,
            options["port"],
            description=options["description"],
            issuer=options["issuer"],
        )
        told.update(_told(device))
    return _told(device)


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ae_title", metavar="AET")
    parser.add_argument("--address", required=True, help="one address or a range (CIDR)")
    parser.add_argument("--group", action="append", default=[], help="may be repeated")
    parser.add_argument("--port", type=int, help="where the archive can call it")
    parser.add_argument("--may", default="store", help=f"of {','.join(DEVICE_SERVICES)}")
    parser.add_argument("--description", default="")
    parser.add_argument("--issuer", default="", help="issuer of its patient numbers, if it shares them with others")


def _list(actor: Actor, _options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.DEVICE_CHANGED)
    return {"devices": [_told(row) for row in Device.objects.prefetch_related("groups").order_by("ae_title")]}


def _disable(actor: Actor, options: Options) -> dict[str, Any]:
    device = _named(actor, options)
    with gate.change(actor, Action.DEVICE_CHANGED, subject=device.ae_title, details={"act": "disabled"}):
        devices.set_active(device, active=False)
    return {"ae_title": device.ae_title, "active": False}


def _enrol(actor: Actor, options: Options) -> dict[str, Any]:
    device = _named(actor, options)
    with gate.change(actor, Action.DEVICE_ENROLLED, subject=device.ae_title, details={"act": "enrolled"}) as told:
        paths = _laid(Path(options["into"]), enrolment.enrol(device, options["days"]))
        told.update(_told(device))
    return {**_told(device), **paths}


def _laid(folder: Path, bundle: enrolment.Bundle) -> dict[str, str]:
    """Write the bundle into a new folder that is closed to others, and nowhere else; return where its parts are."""
    try:
        folder.mkdir(mode=0o700)
        for part, content in bundle._asdict().items():
            secretfiles.write(folder / f"{part}.pem", content)
    except OSError as error:
        raise Unacceptable(
            "into", f"{folder} cannot be made ({error.strerror}): name a folder not there yet."
        ) from error
    return {f"{part}_path": str(folder / f"{part}.pem") for part in bundle._fields}


def _revoke(actor: Actor, options: Options) -> dict[str, Any]:
    device = _named(actor, options)
    details = {"act": "revoked", "certificate": device.certificate}
    with gate.change(actor, Action.DEVICE_CHANGED, subject=device.ae_title, details=details):
        enrolment.revoke(device)
    return _told(device)


def _named(actor: Actor, options: Options) -> Device:
    device = Device.objects.filter(ae_title=options["ae_title"].strip(" ")).first()
    if device is None:
        gate.missed(actor, Action.DEVICE_CHANGED, subject=options["ae_title"][:64])
        raise Unacceptable("ae_title", f"There is no device “{options['ae_title']}”.")
    return device


def _enrol_arguments(parser: ArgumentParser) -> None:
    _ae_title(parser)
    parser.add_argument("--into", required=True, metavar="FOLDER", help="a folder not there yet, for the three files")
    parser.add_argument("--days", type=int, choices=range(1, 398), metavar="1-397", default=enrolment.DAYS)


def _ae_title(parser: ArgumentParser) -> None:
    parser.add_argument("ae_title", metavar="AET")


class Command(Noun):
    help = "Devices that speak DICOM with this archive."
    verbs = {
        "add": Verb("Make a device known.", _add, _add_arguments),
        "list": Verb("List the devices.", _list),
        "disable": Verb("Refuse a device from now on.", _disable, _ae_title),
        "enrol": Verb("Give a device a new certificate for DICOM TLS.", _enrol, _enrol_arguments),
        "revoke": Verb("End a device's certificate; it does not go back to plain DICOM.", _revoke, _ae_title),
    }
