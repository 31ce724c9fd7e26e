"""The network: which of this machine's addresses the phones in a room can reach."""

import ipaddress
import platform
import re
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil

from glassform.hosting.startup import is_open

# Interfaces by name: as Linux and macOS call them, and words in the names that people see on Windows.
NEVER = re.compile(
    # tunnels of a VPN
    r"tun|tap|wg|utun|ppp|ipsec|tailscale|zt|feth|nord|proton|mullvad|cscotun|gpd|wt\d|nebula|warp|outline|gif|stf|sit"
    r"|.*(vpn|tunnel|tailscale|zerotier|wireguard|wintun|tap-windows|teredo|isatap|hamachi|radmin|anyconnect|cloudflare"
    r"|globalprotect|forti|netbird|pulse secure)"
    # a mobile contract, whose other phones are elsewhere; Bluetooth; what only Apple's own devices use
    r"|ww[ap]|rmnet|pdp_ip|ccmni|.*(cellular|mobile|bluetooth)|bnep|awdl|llw|anpi|dummy|ifb|.*loopback"
)
# Those of virtual machines and containers; one on the way to the internet is this machine's own card in disguise.
VIRTUAL = re.compile(
    r"docker|br-|veth|vnet|virbr|vmnet|vmenet|vboxnet|vnic|lxc|lxdbr|incusbr|podman|cni|flannel|cali|cilium|kube"
    r"|mpqemubr|waydroid|anbox|.*(vethernet|hyper-v|virtualbox|vmware|wsl|docker|parallels|npcap)"
)
# The likeliest come first; Windows calls the card of its own hotspot "Local Area Connection* 2", star and all.
WIRELESS = re.compile(r"wl|wi-?fi|ath\d|ap\d|airport|无线|.*\* ?\d")
WIRED = re.compile(r"eth|en|em\d|br\d|lan|local area connection|以太网|本地连接")
# A provider's or Tailscale's shared addresses, and those by which VirtualBox reaches its own machines.
UNLIKELY = [ipaddress.ip_network(each) for each in ("100.64.0.0/10", "192.168.56.0/24")]
FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))  # of the documentation (RFC 5737, 3849)


class Interface(NamedTuple):
    """A network card, or what looks like one: its name, its IP addresses, whether it is up."""

    name: str
    addresses: Sequence[str]
    is_up: bool = True


def interfaces() -> list[Interface]:
    """Return the interfaces of this machine."""
    states = psutil.net_if_stats()
    return [
        Interface(
            name,
            [each.address.partition("%")[0] for each in found if each.family in (socket.AF_INET, socket.AF_INET6)],
            states[name].isup if name in states else True,  # a second name of a card has no state of its own
        )
        for name, found in psutil.net_if_addrs().items()
    ]


def routed() -> Iterator[str]:
    """Yield the addresses of this machine by which it would send to the internet; nothing is sent to find out."""
    for family, far in FAR:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            yield probe.getsockname()[0]


def reachable(found: Sequence[Interface], routed: Collection[str] = ()) -> list[str]:
    """Return the addresses that phones in the room may reach, the best first.

    Parameters
    ----------
    found
        The interfaces of this machine.
    routed
        Its addresses on the way to the internet; none, if there is no such way.
    """
    ranked = sorted(
        (rank(name, address, address in routed), name, address)
        for name, addresses, is_up in found
        if is_up
        for address in addresses
        if may_be_reached(name, address, address in routed)
    )
    # a card has several IPv6 addresses, of which one is enough
    first = {(name, address if "." in address else "IPv6"): address for _, name, address in reversed(ranked)}
    return list(dict.fromkeys(address for _, _, address in ranked if address in first.values()))


def may_be_reached(name: str, address: str, is_routed: bool) -> bool:
    """Tell whether phones in the room may reach an address of an interface."""
    ip, name = ipaddress.ip_address(address), name.lower()
    if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast or NEVER.match(name):
        return False
    return is_routed or not VIRTUAL.match(name)


def rank(name: str, address: str, is_routed: bool) -> tuple[int, ...]:
    """Return how an address is ranked; lower is better."""
    ip, name = ipaddress.ip_address(address), name.lower()
    is_unlikely = any(ip in each for each in UNLIKELY)
    kind = 0 if WIRELESS.match(name) else 1 if WIRED.match(name) else 2
    return ip.version, not is_routed, is_unlikely, kind, not ip.is_private


def addresses(host: str, told: str | None = None) -> list[str]:
    """Return the addresses at which phones may reach a server on this machine, the best first.

    Parameters
    ----------
    host
        What the server listens on.
    told
        The address that somebody has chosen: it comes first.
    """
    found = [host]
    if is_open(host):  # of one version of IP: granian's sockets for IPv6 take no calls by IPv4
        found = [each for each in reachable(interfaces(), set(routed())) if (":" in each) == (":" in host)]
    return list(dict.fromkeys([told, *found] if told else found))


def hints(host: str, found: Sequence[str], release: str = platform.release()) -> Iterator[str]:
    """Yield what helps where phones cannot reach a server on a host, or will hardly."""
    if not found and ":" not in host and addresses("::"):
        yield "This network has IPv6 addresses only. To let phones join, start again with --host ::"
    if "microsoft" in release.lower():
        yield "Phones may not reach this Linux inside Windows (WSL). If so, start Glassform from Windows itself."
