"""Anyone can mail a report under another's name: which of two that contradict each other counts, and that it is said."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import mtasts_nb as sts
from mtasts_nb import Limits, analysis
from mtasts_nb.reports._load import load_parts
from mtasts_nb.reports.ingest import iter_inputs

Signed = Callable[..., bytes]
KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)


def dns(name: bytes, timeout: int = 5) -> bytes:
    return b"v=DKIM1; k=rsa; p=" + PUBLIC


def report(good: int, *, day: int = 8) -> bytes:
    return json.dumps(
        {
            "organization-name": "Example Post",
            "date-range": {
                "start-datetime": f"2026-02-{day:02}T00:00:00Z",
                "end-datetime": f"2026-02-{day:02}T23:59:59Z",
            },
            "contact-info": "tls@post.example",
            "report-id": "1",
            "policies": [
                {
                    "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
                    "summary": {"total-successful-session-count": good, "total-failure-session-count": 0},
                }
            ],
        }
    ).encode()


def mail(good: int, *, signer: str = "", received: str = "", day: int = 8) -> bytes:
    """Return a mail with a report of so many sessions, signed by a domain if one is given."""
    message = EmailMessage()
    message["From"] = "tls@post.example"
    message["Date"] = "Mon, 09 Feb 2026 01:00:00 +0000"
    message["Subject"] = "Report Domain: nordwind.example Submitter: post.example"
    message.set_content("A report.")
    message.add_attachment(report(good, day=day), maintype="application", subtype="tlsrpt+json", filename="r.json")
    data = message.as_bytes().replace(b"\n", b"\r\n")
    if signer:
        data = dkim.sign(data, b"s", signer.encode(), PEM) + data
    stamp = f"Received: from out.example by mail.nordwind.example; {received}\r\n" if received else ""
    return stamp.encode() + data


EARLY, LATE = "Mon, 09 Feb 2026 01:00:00 +0000", "Mon, 09 Feb 2026 01:30:00 -0500"

#: The report that counts, the one that does not, and why; the larger one is the one that should not count.
PAIRS = {
    "signed before unsigned": (
        mail(1, signer="post.example", received=LATE),
        mail(9, received=EARLY),
        "which is signed and counts",
    ),
    "signed before a file": (mail(1, signer="post.example"), report(9), "which is signed and counts"),
    "received first, in UTC": (mail(1, received=EARLY), mail(9, received=LATE), "which was received first and counts"),
    "a file before a mail": (report(1), mail(9, received=EARLY), "which was received first and counts"),
    "a file before a mail without a date": (report(1), mail(9), "which was received first and counts"),
    "with a date before without": (mail(1, received=EARLY), mail(9), "which was received first and counts"),
    "received first of two signers": (
        mail(1, signer="post.example", received=EARLY),
        mail(9, signer="evil.example", received=LATE),
        "which was received first and counts",
    ),
    "at the same second, the fuller": (mail(9, received=EARLY), mail(1, received=EARLY), "other content, which counts"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_which_of_two_counts(name: str) -> None:
    counts, other, why = PAIRS[name]
    for order in ((counts, other), (other, counts)):
        archive = sts.load(*order, progress=False, dkim="check", verify_dkim=dns)
        assert archive.sessions["total_successful_session_count"].tolist() == [
            9 if name.startswith("at the same") else 1
        ]
        [reason] = archive.inputs["reason"].dropna()
        assert reason.endswith(why)
        assert archive.reports["conflict"].tolist() == [True, True]


def test_the_usual_signer_counts_before_one_that_signs_for_the_first_time() -> None:
    history = [
        mail(5, signer="post.example", day=day, received=f"Mon, {day + 1:02} Feb 2026 01:00:00 +0000")
        for day in range(1, 5)
    ]
    # The forgery of one night is large, and has many periods.
    forged = [
        mail(9, signer="evil.example", day=day, received="Mon, 09 Feb 2026 00:00:00 +0000") for day in range(8, 20)
    ]
    honest = mail(1, signer="post.example", received=LATE)
    for order in itertools.permutations((history, forged, [honest])):
        archive = sts.load(*order, progress=False, dkim="check", verify_dkim=dns)
        eighth = archive.sessions[archive.sessions["day"] == "2026-02-08"]
        assert eighth["total_successful_session_count"].tolist() == [1]
        [reason] = archive.inputs["reason"].dropna()
        assert "signed as usual for this reporter" in reason
        assert archive.reports["signed_by"].value_counts().to_dict() == {"evil.example": 12, "post.example": 5}


def test_without_a_check_a_later_copy_replaces_none_that_was_there() -> None:
    archive = sts.load(mail(9, signer="post.example", received=LATE), mail(1, received=EARLY), progress=False)
    assert archive.sessions["total_successful_session_count"].tolist() == [1]
    assert archive.reports["signed_by"].isna().all()


def test_copies_are_worth_what_the_best_of_them_is() -> None:
    """The attachment saved from a signed mail is that mail's report; a stranger's signature on a copy changes nothing."""
    signed = mail(1, signer="post.example", received=LATE)
    for copies in itertools.permutations((report(1), signed, mail(1, signer="a-stranger.example", received=EARLY))):
        archive = sts.load(*copies, mail(9, received=EARLY), progress=False, dkim="check", verify_dkim=dns)
        assert archive.sessions["total_successful_session_count"].tolist() == [1]
    history = mail(5, signer="post.example", day=1)
    archive = sts.load(*copies, history, progress=False, dkim="check", verify_dkim=dns)
    assert archive.reports["signed_by"].tolist() == ["post.example", "post.example"]


def test_a_mail_inside_a_mail_is_no_older_than_its_mail() -> None:
    inner = EmailMessage()
    inner["Received"] = "from a.example by b.example; Mon, 02 Feb 2026 01:00:00 +0000"
    inner["Subject"] = "Report Domain: nordwind.example"
    inner.add_attachment(report(9), maintype="application", subtype="tlsrpt+json", filename="r.json")
    outer = EmailMessage()
    outer["Received"] = f"from out.example by mail.nordwind.example; {LATE}"
    outer["Subject"] = "Fwd: a report"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    archive = sts.load(outer.as_bytes(), mail(1, received=EARLY), progress=False)
    assert archive.sessions["total_successful_session_count"].tolist() == [1]


def test_a_conflict_is_said_where_people_look() -> None:
    archive = sts.load(mail(1, received=EARLY), mail(9, received=LATE), progress=False)
    line = "1 report not counted: same identity as another, different content (possibly forged)"
    assert line in repr(archive)
    assert line in archive._repr_html_()
    rows = analysis.arrivals(archive).frame.set_index("what")["count"]
    assert rows["Conflicting reports with the same identity"] == 2
    assert "not counted" not in repr(sts.load(report(1), progress=False))


def test_parts_of_a_load_know_their_own_reports() -> None:
    """A load in parts, as a store takes it, is checked part by part."""
    mails = [mail(number, signer="post.example" if number % 2 else "", day=number) for number in range(1, 8)]
    items = iter_inputs(mails, Limits())
    parts = [part.archive for part in load_parts(items, size=3, progress=False, dkim="require", verify_dkim=dns)]
    outcomes = [part.inputs["outcome"].tolist() for part in parts]
    assert outcomes == [["loaded", "rejected", "loaded"], ["rejected", "loaded", "rejected"], ["loaded"]]
    assert [part.reports["signed_by"].tolist() for part in parts] == [
        ["post.example"] * 2,
        ["post.example"],
        ["post.example"],
    ]
