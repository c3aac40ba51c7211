#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every listing that a README says it quotes is the file it quotes: quotes.py ROOT

A quote is `<!-- quoted: PATH -->` followed by a fenced block.
"""

import pathlib
import re
import sys

QUOTE = re.compile(r"<!-- quoted: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)


def main():
    root = pathlib.Path(sys.argv[1])
    passed = failed = 0
    for page in sorted(p for p in root.rglob("*.md") if "build" not in p.relative_to(root).parts):
        for path, listing in QUOTE.findall(page.read_text()):
            same = (root / path).read_text() == listing
            passed, failed = passed + same, failed + (not same)
            if not same:
                print(f"{page.relative_to(root)}: its listing is not {path} as it is now; quote it again")
    if passed + failed == 0:
        print("no page quotes anything: the marker is `<!-- quoted: PATH -->`")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
