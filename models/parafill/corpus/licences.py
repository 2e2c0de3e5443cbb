"""The licence a package declares, as an SPDX expression, read from its own metadata.

Used when a package is pinned, and again at extraction: an archive whose metadata contradicts the
manifest stops the build.
"""

from __future__ import annotations

import json
import re
from email.parser import HeaderParser
from pathlib import Path

from parafill.corpus.extract import read_metadata

# Free-text licence fields and trove classifiers in use by Python packages.
_SPELLINGS = (
    (r"^(the )?mit( license)?( \(mit\))?$|^expat( license)?$", "MIT"),
    (r"apache.*(2|license)|^apache$", "Apache-2.0"),
    (r"^(new |modified |revised )?bsd.*3|3[- ]clause|^(new|modified|revised) bsd", "BSD-3-Clause"),
    (r"bsd.*2|2[- ]clause|simplified bsd", "BSD-2-Clause"),
    # Plain "BSD" names a family whose members all are on the list; 3-clause asks for most.
    (r"^bsd( license)?$|^bsd-?like", "BSD-3-Clause"),
    (r"^isc( license)?( \(iscl\))?$", "ISC"),
    (r"python software foundation|^psf", "PSF-2.0"),
    (r"unlicense", "Unlicense"),
)


def declared_licence(archive: Path) -> tuple[str, str, str]:
    """(name, version, SPDX expression or "" when none is recognised) of an archive."""
    metadata = read_metadata(archive)
    if archive.suffix == ".tgz":
        parsed = json.loads(metadata)
        licence = parsed.get("license", "")
        if isinstance(licence, dict):
            licence = licence.get("type", "")
        return parsed["name"], parsed["version"], str(licence)
    headers = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    expression = headers.get("License-Expression", "")
    if not expression:
        classifiers = [
            value.split(" :: ")[-1]
            for value in headers.get_all("Classifier", [])
            if value.startswith("License :: OSI Approved :: ")
        ]
        found = {_spdx(value) for value in classifiers}
        if not found or found == {""} or found == {"BSD-3-Clause"}:
            found = {_spdx(headers.get("License", ""))} - {""} or found
        expression = " AND ".join(sorted(found))
    return headers["Name"], headers["Version"], expression


def _spdx(text: str) -> str:
    text = text.strip()
    first = text.splitlines()[0].strip() if text else ""
    for pattern, identifier in _SPELLINGS:
        if re.search(pattern, first, re.IGNORECASE):
            return identifier
    return first if re.fullmatch(r"[A-Za-z0-9.+-]{3,20}", first) else ""
