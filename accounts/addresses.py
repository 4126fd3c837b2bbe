"""Addresses and ranges of them, as devices and tokens are bound to them."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.utils.translation import gettext as _

from accounts.errors import Unacceptable


def network(text: str) -> IPv4Network | IPv6Network:
    """Return one address or a range (CIDR) as a network. Raises Unacceptable."""
    try:
        return ip_network(text.strip())
    except ValueError:
        raise Unacceptable("address", _("Give an address such as 10.1.2.3 or a range such as 10.1.2.0/24.")) from None


def inside(address: str, kept: str) -> bool:
    """Tell whether an address lies in a range that was kept; an IPv4 address may come written as IPv6."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(given, "ipv4_mapped", None)
    return (mapped or given) in ip_network(kept)
