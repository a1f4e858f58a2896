"""Which proxy calls go through, if any."""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def keep_off_proxies(address: str | None = None) -> None:
    """Has calls to this machine, and to this address where it is one of this machine's, go through no proxy.

    HTTP clients read `no_proxy`, and `NO_PROXY` where that is not set.
    """
    hosts = {"127.0.0.1", "localhost", "::1"}
    host = urlsplit(address or "").hostname or ""
    with suppress(ValueError):
        if host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback:
            hosts.add(host)
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    there = [each.strip() for each in said.split(",") if each.strip()]
    if "*" not in there:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(dict.fromkeys((*there, *sorted(hosts))))


def proxy_to(url: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or "://" in proxy:
        return proxy or None
    return f"http://{proxy}"
