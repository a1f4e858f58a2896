"""Pages in the place of a message: what a person reads on them, in one short line."""

from judgebench._util.redaction import in_one_line

NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center><hr>"
PAGES = {
    f"{NGINX}<center>nginx/1.25</center></body></html>": "HTML page: 502 Bad Gateway, nginx/1.25",
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<TITLE>Busy</TITLE><H1>busy</H1><p>Try\nlater.</p>': (
        "HTML page: Busy, Try later"
    ),
    "<html><body><h1>503 Service Unavailable</h1>\nNo server is free.\n</body></html>": (
        "HTML page: 503 Service Unavailable, No server is free"
    ),
    "\ufeff<!doctype html><meta charset=utf-8><title>Sign in &middot; A &amp; B</title><script>a<b '</p>'</script>": (
        "HTML page: Sign in · A & B"
    ),
    "<!doctype html><body><svg><title>Logo</title></svg><p>Down for <b>5</b> min": "HTML page: Down for 5 min",
    '<!doctype html><script src="app.js"></script><div id="root"></div>': "HTML page: no text",
    "<html><head><title>504 Gateway Ti": "HTML page: 504 Gateway Ti",
    '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>': (
        "XML page: AccessDenied, Access Denied"
    ),
    "Error code: 502 - <html><title>Bad Gateway</title></html>": "Error code: 502 - HTML page: Bad Gateway",
    "<p>Use <code>max_tokens</code> here</p>": "Use max_tokens here",
    "expected a < b and c > d, got <think>": "expected a < b and c > d, got <think>",
    "<html><title>\x1b[2J\u202eBusy</title></html>": "HTML page: \\x1b[2J\\u202eBusy",
    f"<html><title>{'x' * 400}</title></html>": f"HTML page: {'x' * 147}...",
    "<" * 100_000: f"{'<' * 297}...",
}


def test_of_a_page_its_title_and_text_are_shown():
    """Of HTML and XML, whole or cut off, alone or behind words: without tags, scripts and control characters."""
    assert {page: in_one_line(page, ()) for page in PAGES} == PAGES


def test_no_part_of_a_key_is_left_where_a_page_is_cut():
    """A key at the place where the line ends is hidden before it is cut."""
    page = f"<html><title>{'x' * 140}</title><p>key-of-mine-0123456789</p></html>"
    assert "key-" not in in_one_line(page, ["key-of-mine-0123456789"])
