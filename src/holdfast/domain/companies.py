"""What a company is called and where it lives on the internet, in a form in which two spellings of the same can be compared."""

from __future__ import annotations

import re
import unicodedata

#: legal forms, as they stand at the end of a name once points are off; some systems put them in front
_FORMS = """
    inc incorporated corp corporation co company llc llp lp ltd limited plc pty pvt private gmbh mbh ag kg kgaa ohg gbr ug se eg ev
    haftungsbeschrankt sa sas sasu sarl eurl scop bv nv vof cv ab as asa aps oy oyj hf ehf srl spa snc sl slu slp sau sapi kk yk godo
    gk kabushiki kaisha pte sdn bhd berhad tbk pt doo dd ad ood eood sro zrt kft nyrt rt spzoo sp zoo ooo oao zao pao uab ооо оао зао пао ао тов
"""
LEGAL_FORMS = frozenset(_FORMS.split())
FORMS_IN_FRONT = frozenset({"ooo", "oao", "zao", "pao", "ооо", "оао", "зао", "пао", "pt", "sarl", "sas", "gmbh"})
#: words that tell no company from another
FILLERS = frozenset({"the", "and", "und", "et", "y", "e", "of", "de"})
#: forms whose letters stand apart: `S.A.`, `Sp. z o.o.`
SPACED = re.compile(
    r"\b(sp z o ?o|s a r l|s r l|s p a|s a s|s a|b v|n v|l l c|g m b h|p l c|a s|d o o|s r o|co kg|k k|a g)$"
)

#: hosts of which everybody has an address or a page: they tell no company
_HOSTS = """
    gmail.com googlemail.com outlook.com outlook.de hotmail.com hotmail.co.uk hotmail.fr hotmail.de live.com live.co.uk msn.com yahoo.com
    mail.com bluewin.ch yahoo.co.uk yahoo.fr yahoo.de yahoo.co.jp yahoo.com.br ymail.com rocketmail.com aol.com icloud.com me.com mac.com
    proton.me protonmail.com pm.me tutanota.com tuta.io zoho.com zohomail.com gmx.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de
    mail.ru yandex.ru yandex.com bk.ru list.ru inbox.ru qq.com 163.com 126.com sina.com foxmail.com naver.com daum.net hanmail.net
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it alice.it tiscali.it uol.com.br bol.com.br terra.com.br
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net shaw.ca rogers.com btinternet.com sky.com
    virginmedia.com bigpond.com optusnet.com.au seznam.cz wp.pl o2.pl onet.pl interia.pl fastmail.com hey.com duck.com mailinator.com
    example.com example.org example.net test.com sites.google.com
    linkedin.com facebook.com instagram.com twitter.com x.com youtube.com github.com github.io gitlab.com gitlab.io wordpress.com
    wixsite.com squarespace.com weebly.com blogspot.com medium.com notion.site webflow.io netlify.app vercel.app herokuapp.com
    pages.dev web.app firebaseapp.com azurewebsites.net cloudfront.net amazonaws.com myshopify.com
    carrd.co linktr.ee bit.ly
"""
SHARED_HOSTS = frozenset(_HOSTS.split())
#: second levels under which countries give out names, and of suffixes that are no company's
_LEVELS = "co com org net ac edu gov gob gouv or ne go gv ltd plc nom govt school"
SECOND_LEVELS = frozenset(_LEVELS.split())
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def host_in(told: str | None) -> str:
    """The host in an address or e-mail address, in small letters; what is no address is told as it is."""
    text = re.sub(r"^[a-z][a-z0-9+.-]*://", "", (told or "").strip().lower())
    text = re.split(r"[/?#\s]", text, maxsplit=1)[0].rpartition("@")[2]
    return text.partition(":")[0].strip(".")


def company_domain(told: str | None) -> str:
    """The registrable domain in a host, address or e-mail address, in small letters; "" where it tells no company.

    `https://www.acme.co.uk/about` and `ada@mail.acme.co.uk` are both `acme.co.uk`; `gmail.com` and `acme.wordpress.com` are none.
    """
    host = host_in(told)
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return ""
    if not HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        return ""
    labels = host.split(".")
    levels = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS else 2
    if levels == 2 and len(labels) == 2 and len(labels[-1]) == 2 and labels[0] in SECOND_LEVELS:
        return ""
    found = ".".join(labels[-levels:])
    return "" if found in SHARED_HOSTS or host in SHARED_HOSTS else found


def words_of(name: str | None) -> tuple[str, ...]:
    """The words that tell a company from others: small letters without accents, legal forms and fillers, in alphabetical order."""
    plain = _plain(name or "")
    words = plain.split()
    kept = _without_forms(words)
    # a name of nothing but fillers and forms is told by them
    return tuple(sorted({word for word in kept if word not in FILLERS} or set(kept) or set(words)))


def name_key(name: str | None) -> str:
    """What two spellings of one name have in common: its words, closed up. Equal keys, equal names."""
    return "".join(words_of(name))


def _plain(name: str) -> str:
    text = (
        name.replace("&", " and ")
        .replace("+", " and ")
        .replace("ß", "ss")
        .replace("ø", "o")
        .replace("Ø", "O")
        .replace("ł", "l")
    )
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    text = re.sub(r"['’`]", "", text)
    # initials are one word: A.B.C. is abc, S.A. is sa
    text = re.sub(r"\b(?:\w\.){2,}(?:\w\b)?", lambda found: found[0].replace(".", "") + " ", text)
    text = re.sub(r"\([^)]*\)\s*$", " ", text) if not text.strip().startswith("(") else text
    text = " ".join(re.sub(r"[^\w]+|_", " ", text).split())
    shorter = SPACED.sub("", text).strip()
    return shorter or text


def _without_forms(words: list[str]) -> list[str]:
    """Without legal forms at the end, and one in front; at least one word stays."""
    kept = list(words)
    while len(kept) > 1 and (kept[-1] in LEGAL_FORMS or (kept[-1] in FILLERS and len(kept) > 1)):
        kept.pop()
    if len(kept) > 1 and kept[0] in FORMS_IN_FRONT:
        kept.pop(0)
    return kept
