"""Writes canonical.txt from Python's unicodedata: what canonical composition (NFC) needs to know of characters, Hangul's syllables apart, which follow a rule."""

import unicodedata

with open("canonical.txt", "w", encoding="ascii", newline="\n") as out:
    out.write(f"# Unicode {unicodedata.unidata_version}: canonical decompositions (= composes again, ! does not) and combining classes. Made by canonical.py.\n")
    for code in range(0x110000):
        if 0xAC00 <= code <= 0xD7A3 or 0xD800 <= code <= 0xDFFF:
            continue
        character = chr(code)
        parts = unicodedata.decomposition(character)
        if parts and not parts.startswith("<"):
            out.write(f"{code:X}{'=' if unicodedata.normalize('NFC', character) == character else '!'}{parts}\n")
        if unicodedata.combining(character):
            out.write(f"{code:X}:{unicodedata.combining(character)}\n")
