#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Serve a site that nobody here wrote: the HTML of Debian's policy manual with its style and
scripts. Fetch every file of it, then follow every internal link of every page."""
import html.parser
import os
import pathlib
import shutil
import subprocess
import urllib.parse

from harness import ROOT, Server, Skip, compare, files, run, scratch

PACKAGES = ["debian-policy", "libjs-sphinxdoc", "libjs-jquery", "libjs-underscore"]
BATCH = 100  # addresses on one command line


def unpack():
    """The packages, unpacked privately, copied with symbolic links resolved."""
    unpacked = ROOT / "build/policy"
    done = subprocess.run([ROOT / "scripts/unpack_debian.sh", "trixie", unpacked, *PACKAGES],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"the packages cannot be had: {done.stderr.strip()}")
    return unpacked


def resolve(link, root):
    """What a link means inside the unpacked root, where absolute targets start."""
    target = os.readlink(link)
    return root / target.lstrip("/") if target.startswith("/") else link.parent / target


def copy(source, target, root, depth=0):
    while source.is_symlink() and depth < 20:
        source, depth = resolve(source, root), depth + 1
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            copy(entry, target / entry.name, root, depth)
    elif source.is_file():
        shutil.copyfile(source, target)


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.found.add(value)


def internal_links(site, page):
    """Paths on the server that a page links to."""
    parser = Links()
    parser.feed((site / page).read_text(encoding="utf-8", errors="replace"))
    base = "/" + str(page)
    for link in parser.found:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        yield urllib.parse.unquote(urllib.parse.urljoin(base, parts.path))


def batches(items):
    items = list(items)
    for start in range(0, len(items), BATCH):
        yield items[start:start + BATCH]


def a_site_that_nobody_here_wrote():
    root = unpack()
    with scratch() as work:
        site = work / "site"
        copy(root / "usr/share/doc/debian-policy", site, root)
        pages = [name for name in files(site) if name.suffix == ".html"]
        assert len(pages) >= 20, f"only {len(pages)} pages: has the package changed?"

        with Server(site, work) as server:
            for batch in batches(files(site)):
                server.get("--output-dir", work / "fetched",
                           *[server.url("/" + str(name)) for name in batch])
            compare(site, work / "fetched")

            # A link may also lead to something that the package itself lacks: what counts is that
            # the server says of each what the file system says.
            links = sorted({link for page in pages for link in internal_links(site, page)})
            assert len(links) >= 50, f"only {len(links)} links"
            present, missing = [], []
            for link in links:
                path = site / link.lstrip("/")
                found = path.is_file() or (path / "index.html").is_file()
                (present if found else missing).append(link)
            assert len(present) >= 0.9 * len(links), f"broken copy: {missing}"
            for wanted, some in ((200, present), (404, missing)):
                for batch in batches(some):
                    facts = server.facts("--output-dir", work / "links",
                                         *[server.url(link) for link in batch])
                    got = {(t["url"], t["status"]) for t in facts["transfers"] if t["status"] != wanted}
                    assert not got, f"wanted {wanted}: {got}"


run(a_site_that_nobody_here_wrote)
