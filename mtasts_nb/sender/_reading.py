"""The record and the policy file as a sender of some profile reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import PolicyError, RecordError
from ..policy import Policy, find_sts_record, parse_policy, parse_sts_record
from ..vocabulary import Mode
from ._profiles import Profile

__all__ = ["read_policy", "record_id"]

_LONGEST_AGE = 31557600
_TAG = "v=STSv1"


def record_id(texts: Sequence[str], profile: Profile) -> str:
    """Return the id of the record that the sender finds among the TXT records (RFC 8461 §3.1).

    Raises
    ------
    RecordError
        It finds none, or cannot use it.
    """
    behaviour, id_check = profile.does("record"), profile.does("record-id")
    if not behaviour and not id_check:
        return find_sts_record(texts).id
    if behaviour == "joined":
        fields = _fields(["".join(texts)])
        if fields.get("v") != "STSv1":
            raise RecordError("joined, the TXT records are not an STSv1 record", reason="missing")
    else:
        kept = [text for text in texts if _counts(text, behaviour)]
        if len(kept) != 1:
            raise RecordError(f"{len(kept)} records count", reason="multiple" if kept else "missing")
        if not id_check:
            return parse_sts_record(kept[0]).id
        fields = _fields(kept[:1])
        if id_check == "not-needed":
            return fields.get("id", "")
        if fields.get("v") != "STSv1":
            raise RecordError("the version is not STSv1", reason="syntax")
    if "id" not in fields:
        raise RecordError("the record has no id", reason="syntax")
    return fields["id"]


def _counts(text: str, behaviour: str) -> bool:
    if behaviour == "prefix":
        return text.startswith(_TAG)
    rest = text.removeprefix(_TAG)
    return rest != text and (rest.lstrip(" \t") if behaviour == "delimiter" else rest).startswith(";")


def _fields(texts: Iterable[str]) -> dict[str, str]:
    pairs = (part.strip().partition("=") for text in texts for part in text.split(";") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


def read_policy(body: bytes | str, profile: Profile) -> Policy:
    """Return the policy that the sender reads in a file (RFC 8461 §3.2).

    Raises
    ------
    PolicyError
        It cannot use it.
    """
    if not any(map(profile.does, ("blank-lines", "lines", "repeated", "max-age", "patterns"))):
        return parse_policy(body)
    try:
        strict = parse_policy(body)
    except PolicyError as error:
        return _read(body, profile, error)
    if not profile.does("repeated"):
        return strict
    return _read(body, profile, PolicyError("a key is repeated", reason="policy-key-repeated"))


def _read(body: bytes | str, profile: Profile, refusal: PolicyError) -> Policy:
    """Return the policy read line by line, as the profile does; `refusal` is raised if it cannot use it either."""
    try:
        lines = (body if isinstance(body, str) else body.decode("utf-8")).splitlines()
    except UnicodeDecodeError:
        raise refusal from None
    values: dict[str, list[str]] = {}
    for line in lines:
        if not line.strip() and "skipped" in (profile.does("blank-lines"), profile.does("lines")):
            continue
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key, []).append(value.strip())
        elif profile.does("lines") != "skipped":
            raise refusal
    policy = _assembled(values, profile, refusal)
    if profile.does("patterns") != "unchecked" and policy.mx:
        # The form of the patterns, checked by the grammar in a policy that is otherwise valid.
        head = f"version: STSv1\nmode: {policy.mode}\nmax_age: 0\n"
        parse_policy(head + "".join(f"mx: {pattern}\n" for pattern in policy.mx))
    return policy


def _assembled(values: dict[str, list[str]], profile: Profile, refusal: PolicyError) -> Policy:
    repeated = profile.does("repeated")
    chosen: dict[str, str] = {}
    for key in ("version", "mode", "max_age"):
        given = values.get(key, [])
        if not given or (repeated == "refused" and len(given) > 1):
            raise refusal
        chosen[key] = given[-1 if repeated == "last" else 0]
    age = chosen["max_age"]
    if chosen["version"] != "STSv1" or chosen["mode"] not in list(Mode) or not (age.isascii() and age.isdigit()):
        raise refusal
    if len(age) > 10 or (int(age) > _LONGEST_AGE and profile.does("max-age") not in ("capped", "any-number")):
        raise refusal
    mx = tuple(values.get("mx", ()))
    if not mx and chosen["mode"] != Mode.NONE:
        raise refusal
    return Policy(mode=Mode(chosen["mode"]), max_age=min(int(age), _LONGEST_AGE), mx=mx)
