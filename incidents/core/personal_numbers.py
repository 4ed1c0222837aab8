"""Decides which numbers in a text belong to a person: cards, accounts, national ids and telephones.

Shapes are found in time linear in the text, every repetition being bounded; check digits then tell a card or an
account from any other number of that shape.
"""

import re
from collections.abc import Callable

CARD, IBAN, NATIONAL_ID, PHONE = "<CARD>", "<IBAN>", "<NATIONAL_ID>", "<PHONE>"

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# The registered length of an account number in each country.
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}

# A pattern that begins with a set of characters is looked for many times faster than one that begins by looking
# behind: so the first character stands first, and what may not stand before it is looked at next.
_cards = re.compile(r"[2-6](?<![\w.].)(?:\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{3}([ -])\d{6}\2\d{4,5}|\d{12,18})(?!\w)")
_ibans = re.compile(r"[A-Za-z](?<![^\W_].)[A-Za-z]\d\d(?:[ -]?[A-Za-z0-9]){11,29}")
_us_social_security = re.compile(r"[0-8](?<!\w.)(?!(?<=0)00|(?<=6)66)\d\d([ -])(?!00)\d\d\1(?!0000)\d{4}(?!\w)")
_lettered_ids = re.compile(
    r"[A-Z](?<!\w.)(?:"
    r"[A-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"  # UK national insurance
    r"|[A-Z]{5}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"  # Italian codice fiscale
    r")(?!\w)"
)
_checked_ids = re.compile(
    r"[\dXYZ](?<!\w.)(?:"
    r"(?P<dni>\d{7}-?[A-Z])"  # Spanish DNI and NIE
    r"|(?P<nir>(?<=[12]) ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d)"  # French social security
    r"|(?P<nhs>\d\d([ -])\d{3}\4\d{4})"  # UK health service
    r")(?!\w)"
)
_phones = re.compile(
    r"[+(\d](?<![\w.+].)(?:"
    r"(?<=\+)(?:[ ./()-]{0,2}\d){7,15}+"  # international
    r"|(?:(?<=\()\d{3}\)[ .-]{0,2}|(?<=\d)\d\d[ .-])\d{3}[ .-]\d{4}(?!\w)"  # North America
    r"|(?<=1)[ .-]\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?!\w)"  # the same, with its 1
    r"|(?<=0)(?!\d[./-]\d\d[./-]\d{4})\d(?:[ ./()-]{0,2}\d){7,12}+(?!\w)"  # the leading zero of most lands
    r"|(?<=\()0\d{1,4}\)(?:[ ./-]{0,2}\d){5,10}+(?!\w)"  # the same, in brackets
    r")"
)
_named_phones = re.compile(
    r"([pPtTmMcCfFrRwW](?<![^\W_].)(?i:hone|el|elephone|obile|ell|ax|all|ing|hatsapp)[ :=#.]{1,3})"
    r"\(?\d(?:[ ./()-]{0,2}\d){6,14}+"
)


def without_personal_numbers(text: str) -> str:
    """The text with a mark in place of each number that belongs to a person."""
    text = _marked(text, _ibans, _iban_end, IBAN)
    text = _marked(text, _cards, _card_end, CARD)
    text = _us_social_security.sub(NATIONAL_ID, text)
    text = _lettered_ids.sub(NATIONAL_ID, text)
    text = _marked(text, _checked_ids, _id_end, NATIONAL_ID)
    text = _phones.sub(PHONE, text)
    return _named_phones.sub(rf"\1{PHONE}", text)


def _marked(text: str, shape: re.Pattern[str], end_of: Callable[[re.Match[str]], int], mark: str) -> str:
    """The text with `mark` wherever the shape proves true; `end_of` says how far, or 0 where it does not."""
    pieces: list[str] = []
    done = at = 0
    while found := shape.search(text, at):
        end = end_of(found)
        if end:
            pieces += (text[done : found.start()], mark)
            done = end
        at = end or found.start() + 1
    return "".join((*pieces, text[done:])) if pieces else text


def _card_end(found: re.Match[str]) -> int:
    digits = [int(char) for char in found[0] if char.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return 0 if (sum(digits[-1::-2]) + doubled) % 10 else found.end()


def _iban_end(found: re.Match[str]) -> int:
    """The end of an account number, which may have words behind it; its country says how long it is."""
    length = _IBAN_LENGTHS.get(found[0][:2].upper())
    places = [place for place, char in enumerate(found[0]) if char not in " -"]
    if length is None or len(places) < length:
        return 0
    end = places[length - 1] + 1
    account = "".join(found[0][place] for place in places[:length])
    number = "".join(str(int(char, 36)) for char in account[4:] + account[:4])
    whole = len(places) == length or not found[0][end].isalnum()
    return found.start() + end if whole and int(number) % 97 == 1 else 0


def _id_end(found: re.Match[str]) -> int:
    compact = "".join(char for char in found[0] if char.isalnum()).upper()
    return found.end() if _CHECKS[found.lastgroup or "dni"](compact) else 0


def _is_dni(text: str) -> bool:
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def _is_nir(text: str) -> bool:
    return 97 - int(text[:13]) % 97 == int(text[13:])


def _is_nhs(text: str) -> bool:
    left = 11 - sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1), strict=False)) % 11
    return left % 11 == int(text[9])


_CHECKS: dict[str, Callable[[str], bool]] = {"dni": _is_dni, "nir": _is_nir, "nhs": _is_nhs}
