"""Branding values that could attack the visitors of a login page.

REFUSED contains values that are rejected, by field. NEUTRALIZED maps values to the harmless form in
which they are stored. HOSTS contains hosts that are rejected as custom domains. The browser tests
use the same values.
"""

SCRIPT = "<script>window.hurt=1</script>"

CONTROL = ("Acme\x00", "Acme\x1b[31m", "Acme\nSet-Cookie: a=b", "Ac\x7fme", "Acme\u2028Corp")
BIDIRECTIONAL = ("\u202eemcA", "Acme\u2066gpj.exe\u2069", "\u200fAcme", "Acme\u061c")
INVISIBLE = (
    "Ac\u200bme",
    "\ufeffAcme",
    "Ac\u2060me",
    "Acme\ue000",
    "Acme\ud83d",
    "\u3164",
    "Ac\u00adme",
)

_COLOURS = (
    "red",
    "#fff",
    "#ffffffff",
    "#12345g",
    "112233",
    "#112233;}body{background:url(https://evil.example/)}",
    "#112233/**/",
    "#11\u066022",
    "#１１２２３３",
    "rgb(1,2,3)",
    "var(--x)",
    "expression(alert(1))",
    "url(javascript:alert(1))",
    "</style>" + SCRIPT,
    "transparent",
    "",
)

_URLS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " \x01javascript:alert(1)",
    "data:text/html," + SCRIPT,
    "data:image/svg+xml;base64,PHN2Zy8+",
    "vbscript:msgbox(1)",
    "blob:https://example.com/1",
    "file:///etc/passwd",
    "http://example.com/logo.png",
    "ftp://example.com/logo.png",
    "//example.com/logo.png",
    "/logo.png",
    "https:example.com/logo.png",
    "https:/example.com/logo.png",
    "https:\\\\example.com\\logo.png",
    "https://example.com\\@evil.example/",
    "https://user:password@example.com/",
    "https://example.com@evil.example/",
    "https://127.0.0.1/logo.png",
    "https://127.1/logo.png",
    "https://2130706433/logo.png",
    "https://0x7f000001/logo.png",
    "https://0177.0.0.1/logo.png",
    "https://[::1]/logo.png",
    "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://１２７.0.0.1/logo.png",
    "https://localhost/logo.png",
    "https://printer.local/logo.png",
    "https://intranet/logo.png",
    "https://\u0430pple.example/logo.png",
    "https://exa\u200bmple.com/logo.png",
    "https://example.com\u2044evil.example/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://exa mple.com/",
    "https://example..com/",
    "https://-example.com/",
    "https://example.com/\r\nSet-Cookie: a=b",
    "https://example.com/\x00",
    "https://example.com/\u202egpj.exe",
    "https://example.com/%zz",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://example.com/" + "a" * 1000,
    "https://example.com/" + "ä" * 400,
    "https://",
    "",
)

_EMAILS = (
    "help@example.com\r\nBcc: everyone@example.com",
    "help@example.com,evil@example.com",
    "Help <help@example.com>",
    '"><script>alert(1)</script>"@example.com',
    "help@example.com?subject=x&body=y",
    "help@127.0.0.1",
    "help@[127.0.0.1]",
    "help@localhost",
    "help@\u0435xample.com",
    "h\u0435lp@example.com",
    "help@@example.com",
    "help@example..com",
    "he..lp@example.com",
    "help example.com",
    "mailto:help@example.com",
    "javascript:alert(1)",
    "a" * 65 + "@example.com",
    "help@" + "a." * 130 + "com",
    "\u202ehelp@example.com",
    "",
)

_URL_FIELDS = ("logo_url", "logo_dark_url", "favicon_url", "login_background_url", "support_url")
_COLOUR_FIELDS = (
    "login_background_color",
    "primary_color",
    "accent_color",
    "background_color",
    "text_color",
)

REFUSED: dict[str, tuple[str, ...]] = {
    "product_name": (
        *CONTROL,
        *BIDIRECTIONAL,
        *INVISIBLE,
        SCRIPT,
        "</title>" + SCRIPT,
        "<img src=x onerror=alert(1)>",
        "a" * 81,
        "   ",
        "",
    ),
    **dict.fromkeys(_URL_FIELDS, _URLS),
    **dict.fromkeys(_COLOUR_FIELDS, _COLOURS),
    "support_email": _EMAILS,
}

_NEUTRAL_URLS = {
    "https://cdn.example.com/a.png\")}body{background:url('//evil.example')}": (
        "https://cdn.example.com/a.png%22%29%7Dbody%7Bbackground:url%28%27//evil.example%27%29%7D"
    ),
    'https://cdn.example.com/"><script>alert(1)</script>': (
        "https://cdn.example.com/%22%3E%3Cscript%3Ealert%281%29%3C/script%3E"
    ),
    "https://cdn.example.com/a,b.png": "https://cdn.example.com/a%2Cb.png",
    "https://cdn.example.com/?q='onload=alert(1)#</style>": (
        "https://cdn.example.com/?q=%27onload=alert%281%29#%3C/style%3E"
    ),
    "HTTPS://CDN.Example.COM:443/Logo.png": "https://cdn.example.com/Logo.png",
    "https://cdn.example.com/größe.svg": "https://cdn.example.com/gr%C3%B6%C3%9Fe.svg",
}

NEUTRALIZED: dict[str, dict[str, str]] = {
    "product_name": {
        '"onmouseover="alert(1)': '"onmouseover="alert(1)',
        "{{ 7*7 }} ${7*7} %s": "{{ 7*7 }} ${7*7} %s",
        "  Acme  ": "Acme",
        "A\u030angstro\u0308m": "\u00c5ngstr\u00f6m",
        "'); DROP TABLE tenants;--": "'); DROP TABLE tenants;--",
    },
    "primary_color": {"#AABBCC": "#aabbcc", " #112233\n": "#112233"},
    "logo_url": _NEUTRAL_URLS,
    "login_background_url": _NEUTRAL_URLS,
    "support_email": {"Help@Example.COM": "help@example.com"},
}

HOSTS = (
    "localhost",
    "intranet",
    "printer.local",
    "db.internal",
    "abc.onion",
    "1.0.0.127.in-addr.arpa",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "[::1]",
    "::1",
    "１２７.0.0.1",
    "127\u30020\u30020\u30021",
    "com",
    "co.uk",
    "github.io",
    "s3.amazonaws.com",
    "xn--p1ai",
    "\u0430pple.com",
    "xn--pple-43d.com",
    "g\u03bf\u03bfgle.com",
    "exa\u200bmple\u202e.com",
    "ex\u00admple.com\u2066",
    "\u2603.com",
    "xn--zzzzzz99999.com",
    "example..com",
    ".example.com",
    "-app.example.com",
    "app-.example.com",
    "a_b.example.com",
    "*.example.com",
    "app.example.com/login",
    "https://app.example.com",
    "app.example.com:443",
    "user@app.example.com",
    "app.example.com?x",
    "app.exam ple.com",
    "app.example.com\r\nHost: evil.example",
    "app.example.com\x00",
    "app%2eexample.com",
    "a" * 64 + ".example.com",
    "a." * 130 + "example.com",
    "app.example.com..",
    "app.example.com\u3002.",
    SCRIPT,
    "' OR 1=1 --",
    ".",
    "",
)
