"""How an endpoint is reached from this machine: the proxy and the certificates that the environment names.

requests reads the same variables, but finds out only in the middle of an exchange that one of them can't be used, and
then shows it with its password. Here each is checked before anything is sent, and blamed by its name.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, prepend_scheme_if_needed
from urllib3.util import parse_url

from .errors import ConnectionFailed
from .location import is_loopback

BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The first two are read by requests, in this order; the third by curl, OpenSSL and programs in Go."""

_HOST: Final = re.compile(r"[!-~]+")
"""Without blanks and control characters, which urllib3 2.2 lets through."""
_SYSTEM: Final = "the system's proxy settings"


@dataclass(frozen=True)
class Proxy:
    """A proxy to go through.

    Attributes:
        url: where it is, with user and password.
        source: the variable that names it.
        address: host and port, which may be shown.
    """

    url: str = field(repr=False)
    source: str
    address: str


@dataclass(frozen=True)
class Route:
    """The way to one endpoint.

    Attributes:
        endpoint: scheme, host and port, which may be shown.
        bundle: file or folder with the certificates to trust; None for those that requests brings along.
        bundle_source: the variable that names it.
    """

    endpoint: str
    proxy: Proxy | None = None
    bundle: str | None = field(default=None, repr=False)
    bundle_source: str = ""


def find_route(endpoint: str, adapter: HTTPAdapter) -> Route:
    """The way to the endpoint, as the environment has it now.

    Args:
        adapter: what requests will be sent by. It makes its connections for the proxy here, which finds every defect.

    Raises:
        ConnectionFailed: a variable names what can't be used. Nothing was sent.
    """
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host) or url.scheme not in ("https", "http"):
        raise ConnectionFailed(
            "The endpoint is not a usable URL.", sent=False, is_transient=False, advice="correct the endpoint."
        )
    shown = f"{url.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    # What goes to this machine itself would leave it in clear if a proxy got it.
    proxy = None if is_loopback(host) else _find_proxy(endpoint, url.scheme, adapter)
    bundle, source = _find_bundle() if url.scheme == "https" else (None, "")
    return Route(shown, proxy, bundle, source)


def _find_proxy(endpoint: str, scheme: str, adapter: HTTPAdapter) -> Proxy | None:
    try:
        proxies = get_environ_proxies(endpoint)
    except Exception:
        # What parses NO_PROXY and asks the system may raise anything.
        raise _unusable(
            "The proxy settings of the environment", "they can't be read", "HTTPS_PROXY and NO_PROXY"
        ) from None
    for key in (scheme, "all"):
        if value := proxies.get(key, "").strip():
            return _checked_proxy(value, _variable_of(key), adapter)
    return None


def _variable_of(key: str) -> str:
    """The variable that urllib has taken the proxy from: it takes any case, lower case first."""
    names = [name for name, value in os.environ.items() if name.lower() == f"{key}_proxy" and value]
    return min(names, key=lambda name: name != name.lower(), default=_SYSTEM)


def _checked_proxy(value: str, source: str, adapter: HTTPAdapter) -> Proxy:
    subject = f"The proxy in {source}"
    url = value if "://" in value else f"http://{value}"
    try:
        # As requests does it, which percent-encodes what it can.
        url = prepend_scheme_if_needed(url, "http")  # type: ignore[no-untyped-call]
        parsed = parse_url(url)
        adapter.proxy_manager_for(url)
    except Exception as error:
        # Beside urllib3's own, plain ValueErrors and UnicodeErrors; their texts show the password.
        is_socks = url.lower().startswith("socks") and "SOCKS" in str(error)
        defect = "is a SOCKS proxy, which needs the package PySocks" if is_socks else "is not a usable URL"
        raise _unusable(subject, defect, source) from None
    host = parsed.host or ""
    if not _HOST.fullmatch(host):
        raise _unusable(subject, "names no usable host", source)
    if parsed.query or parsed.fragment or (parsed.path or "/") != "/":
        raise _unusable(subject, "has something behind host and port", source)
    return Proxy(url, source, host if parsed.port is None else f"{host}:{parsed.port}")


def _find_bundle() -> tuple[str | None, str]:
    for name in BUNDLE_VARIABLES:
        if not (path := os.environ.get(name, "")):
            continue
        subject = f"The certificates in {name}"
        try:
            if not Path(path).is_dir():
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except FileNotFoundError:
            raise _unusable(subject, "are missing: there is no such file", name) from None
        except ssl.SSLError:
            raise _unusable(subject, "can't be used: the file holds no certificates", name) from None
        except (OSError, ValueError) as error:
            known = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no usable path"
            raise _unusable(subject, f"can't be read: {known}", name) from None
        return path, name
    return None, ""


def _unusable(subject: str, defect: str, source: str) -> ConnectionFailed:
    advice = f"correct {source}, or remove it."
    if "proxy" in subject:
        advice = (
            f"correct {source}: http://host:port, or http://user:password@host:port with every special character "
            "of user and password percent-encoded (# as %23)."
        )
    if "PySocks" in defect:
        advice = f"install it (pip install 'requests[socks]'), or name an HTTP proxy in {source}."
    return ConnectionFailed(f"{subject} {defect}.", sent=False, is_transient=False, advice=advice)
