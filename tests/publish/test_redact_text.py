"""Redacted text is built from what is harmless; a name beside it stays out, in whatever form and decoding."""

from __future__ import annotations

import base64
import html
import ipaddress
import quopri
import re
import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mtasts_nb.knowledge import reason_meanings
from mtasts_nb.publish._harmless import is_harmless
from mtasts_nb.publish._redact_names import Pseudonyms
from mtasts_nb.publish._redact_text import redacted_text
from mtasts_nb.vocabulary import PolicyType, ResultType

#: Pseudonyms that a table can name.
GIVEN = {
    "nordwind.test": "domain-a.example",
    "mx1.nordwind.test": "host-a.domain-a.example",
    "mx.xn--bcher-kva.test": "host-b.domain-b.example",
    "203.0.113.9": "198.18.0.1",
    "2001:db8::9": "2001:db8:a::1",
    "fe80::9": "2001:db8:a::2",
    "Acme Mail": "Reporter A",
}


def _names() -> Pseudonyms:
    return Pseudonyms(b"key", given=GIVEN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Words of the protocols, numbers, dates and codes stay.
        ("X509_V_ERR_CERT_HAS_EXPIRED", "X509_V_ERR_CERT_HAS_EXPIRED"),
        ("certificate has expired (_ssl.c:1006)", "certificate has expired (…:1006)"),
        ("454 4.7.0 TLS not available", "454 4.7.0 TLS not available"),
        ("policies[0].failure-details[1].receiving-mx-hostname", "policies[0].failure-details[1].receiving-mx-hostname"),
        ("max_age=604800, 92.8 %, 12,345 sessions, 5s", "max_age=604800, 92.8 %, 12,345 sessions, 5s"),
        ("of 1,234,567: 12,345, 1,000 and 9,012", "of 1,234,567: 12,345, 1,000 and 9,012"),
        ("203,113,200,150 and 1,203,0,113,9", "… and …"),
        ("on 2026-02-08 at 14:05, 2026-02-08T14:05:10.5+01:00", "on 2026-02-08 at 14:05, 2026-02-08T14:05:10.5+01:00"),
        ("STARTTLS: remote error: 0x800B0109", "STARTTLS: remote error: 0x800B0109"),
        ("TLS_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384 TLSv1.3", "TLS_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384 TLSv1.3"),
        # Anything else does not.
        ("queue 4F2A9B: error 71", "queue …: error 71"),
        ("Anna Lind <anna@nordwind.test> failed", "… <…> failed"),
        ("anna\\.lind via gateway-anna", "… via …"),
        ("call Mark, or Max; a mark, max_age", "call …, or …; a mark, max_age"),
        ("Certificate of the Somewhere", "Certificate of the …"),
        ("phone 4312345678", "…"),
        # Names, addresses and hosts that are known have their pseudonym, however they are written.
        ("told Acme  MAIL twice", "told Reporter A twice"),
        ("mx1.nordwind.test [203.0.113.9]: 550 no", "host-a.domain-a.example [198.18.0.1]: 550 no"),
        ("MX1.NORDWIND.TEST. mx1.nordwind.test:25", "host-a.domain-a.example. host-a.domain-a.example:25"),
        ("mx.bücher.test", "host-b.domain-b.example"),
        ("mx．bücher。test", "host-b.domain-b.example"),
        ("*.nordwind.test", "*.domain-a.example"),
        ("https://mta-sts.nordwind.test/anna?q=1", "https://mta-sts.domain-a.example/…?…=1"),
        ("[IPv6:2001:DB8:0::9]:25", "[2001:db8:a::1]:25"),
        ("203.0.113.9:25, 203.0.113.9/24, 2001:db8::9/64", "198.18.0.1:25, 198.18.0.1/24, 2001:db8:a::1/64"),
        ("fe80::9%eth0 ::ffff:203.0.113.9", "2001:db8:a::2 198.18.0.1"),
        # Other forms of an address are left out.
        ("ec2-203-0-113-9 ip-203-0-113-9 203-0-113-9", "… ip-…"),
        ("203 0 113 9; 203,0,113,9; 203_0_113_9", "…"),
        ("0xCB007109 3405803785 203.000.113.009", "…"),
        ("203[.]0[.]113[.]9", "…"),
        ("in 2001:2:: or 2001:1234:5678/48", re.compile(r"in 2001:db8::\S+ or 2001:…:…/48")),
        # TLSA data (RFC 6698 §2.2) has a pseudonym, and what is beside it is redacted too.
        ("3 1 1 ABCDEF0123456789 by Anna", re.compile(r"3 1 1 [0-9a-f]{16} by …")),
        ("TLSA 2 0 1 abcdef0123 at mx1.nordwind.test", re.compile(r"TLSA 2 0 1 [0-9a-f]{10} at host-a\.domain-a\.example")),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_kept_of_a_text(text: str, expected: str | re.Pattern[str]) -> None:
    made = redacted_text(text, _names())
    assert expected.fullmatch(made) if isinstance(expected, re.Pattern) else made == expected


@pytest.mark.parametrize(
    "name", ["Cloudflare", "cloudflare", "google", "Microsoft", "azure", "Anna", "Lind", "Post", "Will"]
)
def test_no_name_is_a_harmless_word(name: str) -> None:
    assert not is_harmless(name)
    assert not is_harmless(name, begins=True)


def test_what_the_registries_hold_is_kept() -> None:
    words = [*ResultType, *PolicyType, *reason_meanings()]
    assert [word for word in words if redacted_text(str(word), _names()) != word] == []


# -- canaries


def _sevenbit(text: str) -> str:
    return quopri.encodestring(text.encode(), quotetabs=True).decode()


_FORMS = {
    "plain": str,
    "upper case": str.upper,
    "trailing dot": lambda name: f"{name}.",
    "with a port": lambda name: f"{name}:25",
    "escaped dots": lambda name: name.replace(".", "\\."),
    "bracketed dots": lambda name: name.replace(".", "[.]"),
    "percent": lambda name: name.replace(".", "%2e"),
    "percent, all": lambda name: "".join(f"%{byte:02x}" for byte in name.encode()),
    "percent twice": lambda name: quote(quote(name.replace(".", "%2e"))),
    "entities": lambda name: "".join(f"&#{ord(letter)};" for letter in name),
    "hexadecimal entities": lambda name: "".join(f"&#x{ord(letter):x};" for letter in name),
    "quoted-printable": lambda name: "".join(f"={byte:02X}" for byte in name.encode()),
    "MIME word": lambda name: f"=?utf-8?Q?{_sevenbit(name)}?=",
    "base64": lambda name: base64.b64encode(name.encode()).decode(),
    "JSON": lambda name: "".join(f"\\u{ord(letter):04x}" for letter in name if ord(letter) < 65536),
    "hexadecimal": lambda name: name.encode().hex(),
    "decimal codes": lambda name: " ".join(str(ord(letter)) for letter in name),
    "full width": lambda name: "".join(
        chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in name
    ),
    "soft hyphens": lambda name: "\u00ad".join(name),
    "zero width": lambda name: "\u200b".join(name),
    "in a mail address": lambda name: f"x@{name}",
    "in a URL": lambda name: f"https://{name}/{name}?q={name}#{name}",
    "in brackets": lambda name: f"[{name}]<{name}>({name})",
    "after a TLSA record": lambda name: f"3 1 1 {'ab' * 32} {name}",
    "before a TLSA record": lambda name: f"{name} 3 1 1 {'ab' * 32}",
    "dashes": lambda name: name.replace(".", "-"),
    "as an EC2 host": lambda name: f"ec2-{name.replace('.', '-')}",
}
#: What redaction keeps; a canary is put before, after, between and against each.
_KEPT = [
    "certificate", "X509_V_ERR_CERT_HAS_EXPIRED", "454 4.7.0", "2026-02-08T14:05Z", "12,345", "max_age=604800", "3 1 1 " + "ab" * 32,
    "tlsa-invalid", "mx1.nordwind.test", "203.0.113.9", "Acme Mail", "policies[0]", "…", "=", "&", "%", "\\", "#", "--", "/", ":", '"', "\n",
]  # fmt: skip
_LETTERS = "bcdfghjklmnpqrstvwxz"
_CANARIES = st.one_of(
    st.text(_LETTERS, min_size=5, max_size=9),
    st.tuples(st.text(_LETTERS, min_size=3, max_size=7), st.text(_LETTERS, min_size=5, max_size=9)).map(lambda labels: f"{labels[0]}.{labels[1]}.test"),
    st.text(_LETTERS + "äöüßé日本", min_size=5, max_size=9).map(lambda label: f"{label}.test"),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)  # fmt: skip


def decodings(text: str) -> set[str]:
    """Return what a text may be read as; written apart from the page's own check."""
    forms = {text}
    for _ in range(3):
        for form in list(forms):
            forms.add(html.unescape(form))
            forms.add(unquote(form))
            forms.add(unicodedata.normalize("NFKC", form))
            forms.add(re.sub(r"=([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), form))
            forms.add(re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), form))
            forms.add(re.sub("[\u00ad\u200b]", "", form))
            forms.add(form.replace("[.]", ".").replace("\\.", "."))
        if len(forms) > 400:
            break
    for word in re.findall(r"[A-Za-z0-9+/]{6,}={0,2}", text):
        whole = word.rstrip("=")[: len(word.rstrip("=")) // 4 * 4]
        forms.add(base64.b64decode(whole).decode("latin-1"))
    for run in re.findall(r"(?:[0-9a-f]{2})+", text):
        forms.add(bytes.fromhex(run).decode("latin-1"))
    for run in re.findall(r"\d{2,3}(?: \d{2,3})+", text):
        forms.add("".join(map(chr, map(int, run.split()))))
    return {form.casefold() for form in forms}


def secrets_of(canary: str) -> set[str]:
    """Return the forms in which a canary would name somebody: the whole, and each label that is nobody else's."""
    try:
        address = ipaddress.ip_address(canary)
    except ValueError:
        return {canary.casefold(), *(label.casefold() for label in canary.split(".") if len(label) > 4)}
    if canary.startswith(("198.1", "2001:db8")):
        return set()  # pseudonyms are such addresses
    dashed = {canary.replace(".", "-"), canary.replace(".", " ")} if address.version == 4 else set()
    return {canary, address.exploded, *dashed} if len(canary) > 6 else set()


@settings(deadline=None)  # the first example reads the vocabulary
@given(
    _CANARIES,
    st.sampled_from(sorted(_FORMS)),
    st.sampled_from(_KEPT),
    st.sampled_from(_KEPT),
    st.sampled_from([" ", "", ", "]),
)
def test_a_canary_beside_a_kept_token_is_gone(canary: str, form: str, before: str, after: str, gap: str) -> None:
    written = _FORMS[form](canary)
    for text in (
        f"{written}{gap}{after}",
        f"{before}{gap}{written}",
        f"{before}{gap}{written}{gap}{after}",
        f"{written}{gap}{before}{gap}{written}",
    ):
        made = redacted_text(text, _names())
        read = decodings(made)
        for secret in secrets_of(canary):
            assume(not any(map(is_harmless, secret.split("."))))  # https
            assert not any(secret in reading for reading in read), (text, made)


@given(st.text(max_size=200))
def test_any_text_is_redacted_to_ascii_and_a_few_signs(text: str) -> None:
    made = redacted_text(text, _names())
    assert re.fullmatch(r"[\x20-\x7e\n\t]*", re.sub("[…“”’–—→·§~]", "", made))


@pytest.mark.parametrize(
    "piece", ["a", "3 1 1 ", "ab", "1 ", "1-", "=61", "mx.", "..", "\\", "2001:", "Acme ", "://", "@", "…", "("]
)
def test_a_long_text_takes_time_by_its_length(piece: str) -> None:
    from time import process_time

    took = []
    for length in (4_000, 16_000):
        names = _names()
        text = (piece * length)[:length]
        start = process_time()
        redacted_text(text, names)
        took.append(process_time() - start)
    assert took[1] < 8 * took[0] + 0.2
