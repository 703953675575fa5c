# SPDX-License-Identifier: MIT
"""The static server over Velocity/1, as a client sees it: answers, conditions, ranges, escapes."""
import os
import pathlib
import re
import subprocess
import tempfile

import harness
from harness import Server, expect

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
BIG = os.urandom(1 << 20) * 16 + b"end"
TYPES = {
    "index.html": "text/html; charset=utf-8", "style.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8", "data.json": "application/json",
    "picture.png": "image/png", "drawing.svg": "image/svg+xml",
    "notes.txt": "text/plain; charset=utf-8", "module.wasm": "application/wasm",
    "font.woff2": "font/woff2", "README": "application/octet-stream",
}
SECURITY = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "content-security-policy": "default-src 'self'",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}
NAMES = ["a b.txt", "\u00e4\u00f6\u00fc.txt", "\u6f22\u5b57/\u30c6\u30b9\u30c8.html", "100%.txt", "q?.txt", "h#.txt",
         "plus+&=.txt", "quote'.txt", "semi;colon.txt", "tilde~.txt", "deep/er/still/file.txt"]


def build_site():
    (SITE / "folder").mkdir(parents=True)
    (SITE / "empty-folder").mkdir()
    for name in TYPES:
        (SITE / name).write_bytes(f"content of {name}\n".encode())
    for name in NAMES + [f"many/{number:03}.bin" for number in range(120)]:
        (SITE / name).parent.mkdir(parents=True, exist_ok=True)
        (SITE / name).write_bytes(name.encode() * (len(name) * 7 % 300))
    (SITE / "folder/index.html").write_bytes(b"<p>folder\n")
    (SITE / "big.bin").write_bytes(BIG)
    (SITE / "empty.txt").write_bytes(b"")
    (BASE / "secret.txt").write_bytes(b"outside\n")
    (SITE / "inside").symlink_to("folder/index.html")
    (SITE / "outside").symlink_to("../secret.txt")
    (SITE / "absolute").symlink_to(BASE / "secret.txt")
    (SITE / "up").symlink_to("..")
    os.mkfifo(SITE / "fifo")


class Answer:
    def __init__(self, path, *options):
        """`path` goes on the wire as it is."""
        self.path = path
        url = f"https://localhost:{SERVER.port}{path}"
        result = SERVER.get(url, "-v", "-o", "-", *options)
        lines = [line[2:] for line in result.stderr.decode().splitlines() if line.startswith("< ")]
        self.body = result.stdout
        self.status = int(lines[0].split()[0])
        self.fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)

    def is_(self, status, body=None, **fields):
        expect(self.status == status, self.path, self.status, self.fields)
        expect(body is None or self.body == body, self.path, self.body[:200])
        for name, value in fields.items():
            have = self.fields.get(name.replace("_", "-"))
            expect(have == value, self.path, name, have)
        return self


def header(line):
    return ("-H", line)


def index_files_stand_for_folders():
    home = Answer("/").is_(200, (SITE / "index.html").read_bytes())
    expect(home.fields["content-type"] == TYPES["index.html"])
    Answer("/folder/").is_(200, b"<p>folder\n")
    Answer("/folder").is_(308, location="/folder/")
    Answer("//folder").is_(308, location="/folder/")
    Answer("/empty-folder/").is_(403)


def names_have_content_types():
    for name, kind in TYPES.items():
        Answer("/" + name).is_(200, (SITE / name).read_bytes(), content_type=kind,
                               content_length=str((SITE / name).stat().st_size))


def every_answer_has_security_headers():
    for path in ("/", "/none", "/folder", "/empty-folder/", "/..", "/outside"):
        answer = Answer(path)
        for name, value in SECURITY.items():
            expect(answer.fields.get(name) == value, path, name, answer.fields)
        expect(re.match(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", answer.fields["date"]))


def validators_save_transfers():
    first = Answer("/notes.txt").is_(200)
    tag, date = first.fields["etag"], first.fields["last-modified"]
    Answer("/notes.txt", *header(f"If-None-Match: {tag}")).is_(304, b"", etag=tag)
    Answer("/notes.txt", *header(f'If-None-Match: "x", W/{tag}')).is_(304, b"")
    Answer("/notes.txt", *header('If-None-Match: "x"')).is_(200)
    Answer("/notes.txt", *header(f"If-Modified-Since: {date}")).is_(304, b"")
    Answer("/notes.txt", *header("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")).is_(200)
    Answer("/notes.txt", *header('If-Match: "x"')).is_(412)
    stamp = (SITE / "notes.txt").stat()
    os.utime(SITE / "notes.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    Answer("/notes.txt", *header(f"If-None-Match: {tag}")).is_(200)


def ranges_are_parts():
    size = len(BIG)
    for given, first, last in (("0-0", 0, 0), ("100-199999", 100, 199999), ("-3", size - 3, size - 1),
                               (f"{size - 10}-", size - 10, size - 1),
                               ("5-99999999999999999999", 5, size - 1)):
        Answer("/big.bin", *header(f"Range: bytes={given}")).is_(
            206, BIG[first:last + 1], content_range=f"bytes {first}-{last}/{size}",
            content_length=str(last - first + 1))
    Answer("/big.bin", *header(f"Range: bytes={size}-")).is_(416, content_range=f"bytes */{size}")
    for ignored in ("bytes=5-1", "bytes=x", "lines=0-1", "bytes=0-1,5-6", "b"):
        Answer("/notes.txt", *header(f"Range: {ignored}")).is_(200)
    tag = Answer("/notes.txt").fields["etag"]
    whole = (SITE / "notes.txt").read_bytes()
    Answer("/notes.txt", *header("Range: bytes=1-2"), *header(f"If-Range: {tag}")).is_(206, whole[1:3])
    Answer("/notes.txt", *header("Range: bytes=1-2"), *header('If-Range: "x"')).is_(200, whole)


def head_has_no_body():
    whole, head = Answer("/big.bin"), Answer("/big.bin", "-X", "HEAD")
    head.is_(200, b"", content_length=str(len(BIG)), etag=whole.fields["etag"])
    Answer("/none", "-X", "HEAD").is_(404, b"")
    Answer("/empty.txt").is_(200, b"", content_length="0")


def errors_have_their_status():
    for path in ("/none", "/none/", "/folder/none", "/notes.txt/", "/notes.txt/x", "/fifo"):
        Answer(path).is_(404)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get"):
        Answer("/", "-X", method).is_(405, allow="GET, HEAD")
    Answer("/" + "a" * 3000).is_(414)
    # A file larger than any window: the answer comes early and the rest is not wanted.
    Answer("/", "-d", f"@{SITE / 'big.bin'}").is_(405)


def nothing_outside_can_be_reached():
    allowed = {400, 403, 404, 308}
    for path in ("/..", "/../", "/../secret.txt", "/../../../../../../etc/passwd",
                 "/folder/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt",
                 "/%2E%2E%2Fsecret.txt", "/..%2fsecret.txt", "/folder/..%2f..%2fsecret.txt",
                 "/..%5csecret.txt", "/%252e%252e/secret.txt", "/..%00/secret.txt",
                 "/secret.txt%00.html", "/index.html%00", "/..%c0%afsecret.txt",
                 "/%c0%ae%c0%ae/secret.txt", "/outside", "/absolute", "/up", "/up/", "/up/secret.txt",
                 "/folder/%2e%2e/up/secret.txt", "//../secret.txt", "/./../secret.txt",
                 "/proc/self/environ", "/%", "/%zz", "/%1"):
        answer = Answer(path)
        expect(answer.status in allowed, path, answer.status)
        expect(b"outside" not in answer.body and b"root:" not in answer.body, path, answer.body)
    Answer("/inside").is_(200, b"<p>folder\n")
    Answer("/folder/../notes.txt").is_(200)


def every_file_arrives_whole_and_in_parallel():
    # Not those behind links, nor what is no file.
    names = [name for name in harness.files(SITE) if not (SITE / name).is_symlink()]
    facts = SERVER.facts(*[SERVER.url(f"/{name}") for name in names], "--output-dir", BASE / "tree")
    expect(len(names) > 130 and len(facts["transfers"]) == len(names), facts)
    for name in names:
        expect(harness.digest(SITE / name) == harness.digest(BASE / "tree" / name), name)


def many_clients_at_once():
    clients = [subprocess.Popen([harness.program(), "client", "get", *harness.ONLY_VELOCITY, "--cacert", SERVER.cacert,
                                 SERVER.url("/big.bin"), "-o", BASE / f"copy-{number}"],
                                stderr=subprocess.PIPE) for number in range(8)]
    for number, client in enumerate(clients):
        _, errors = client.communicate(timeout=harness.CLIENT_SECONDS)
        expect(client.returncode == 0, errors)
        expect((BASE / f"copy-{number}").read_bytes() == BIG, "bytes differ")


def the_log_tells_what_was_asked():
    Answer("/notes.txt?looked=for").is_(200)
    SERVER.wait_for('"GET /notes.txt?looked=for" 200 ')


if __name__ == "__main__":
    build_site()
    with Server(SITE, BASE) as SERVER:
        harness.run(
            index_files_stand_for_folders, names_have_content_types,
            every_answer_has_security_headers, validators_save_transfers, ranges_are_parts,
            head_has_no_body, errors_have_their_status, nothing_outside_can_be_reached,
            every_file_arrives_whole_and_in_parallel, many_clients_at_once,
            the_log_tells_what_was_asked)
