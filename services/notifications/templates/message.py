"""The bytes of a mail: headers by the standard library, two parts in quoted-printable (RFC 2045 §6.7) by its C routine."""

import binascii
from collections.abc import Mapping
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final

END: Final = b"\r\n"


def message(headers: Mapping[str, str | Address], *, text: str, html: str, boundary: str, ascii_only: bool) -> bytes:
    """A multipart/alternative mail with these headers; the same ones and texts always give the same bytes.

    Header values are encoded and folded; one with a line break in it raises `ValueError`. Unless `ascii_only`, headers
    are UTF-8 (RFC 6532), for addresses that can't be written otherwise.
    """
    head = EmailMessage(policy=SMTP if ascii_only else SMTPUTF8)
    for name, value in headers.items():
        head[name] = value
        if ascii_only and isinstance(value, str) and not value.isascii():
            # Encoded whole: folded between plain and encoded words, the policy's header would get a second space.
            del head[name]
            head.set_raw(name, Header(value, "utf-8", header_name=name).encode())
    kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    mark = b"--" + boundary.encode()
    parts = [mark + END + _part("plain", text), mark + END + _part("html", html), mark + b"--" + END]
    return head.as_bytes().removesuffix(END) + kind.encode() + b"".join(parts)


def _part(subtype: str, text: str) -> bytes:
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    quoted = binascii.b2a_qp(text.encode().replace(END, b"\n"), istext=True)
    return head.encode() + quoted.replace(b"\n", END) + END
