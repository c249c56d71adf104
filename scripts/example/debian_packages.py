"""Labelled text that every Debian machine has: the one-line descriptions of packages, by section of the archive."""

import collections
import random
import subprocess

SECTIONS = ["database", "electronics", "fonts", "games", "graphics", "mail", "math", "sound"]


def read_descriptions(sections: list[str]) -> dict[str, dict[str, str]]:
    """Section -> source package -> description of one of its packages, as `apt-cache dumpavail` lists them.

    One description a source package: its other packages say nearly the same, and would put the answers of the held-out
    set into the training set.
    """
    dump = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True, text=True).stdout
    found = {section: {} for section in sections}
    seen = set()
    for stanza in dump.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] != " ")
        section, text = fields.get("Section"), fields.get("Description")
        if section in found and text and text not in seen:
            source = fields.get("Source", fields["Package"]).split(" ")[0]
            if source not in found[section]:
                found[section][source] = text
                seen.add(text)
    return found


def choose(sections: list[str], training: int, held_out: int, seed: int) -> tuple[list, list]:
    """Two lists of (description, index of its section) with so many of each section, in random order."""
    chance = random.Random(seed)
    parts = collections.defaultdict(list)
    for label, (section, texts) in enumerate(read_descriptions(sections).items()):
        if len(texts) < training + held_out:
            raise SystemExit(f"section {section} has {len(texts)} source packages, expected at least "
                             f"{training + held_out}: run apt-get update first")
        chosen = [(texts[source], label) for source in chance.sample(sorted(texts), training + held_out)]
        parts["training"] += chosen[:training]
        parts["held out"] += chosen[training:]
    for part in parts.values():
        chance.shuffle(part)
    return parts["training"], parts["held out"]
