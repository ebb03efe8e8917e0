"""Mail addresses that say nothing of a company: those at a provider that anybody may have one of."""

from __future__ import annotations

FREE_MAIL = frozenset(
    [
        "163.com", "126.com", "aol.com", "comcast.net", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de",
        "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "icloud.com", "laposte.net",
        "libero.it", "live.co.uk", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com",
        "outlook.de", "pm.me", "proton.me", "protonmail.com", "qq.com", "seznam.cz", "t-online.de", "tutanota.com", "uol.com.br",
        "web.de", "wp.pl", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "zoho.com",
    ]
)  # fmt: skip
