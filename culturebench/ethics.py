"""What goes along with all that leaves the project: docs/ethics.md in short, and the mark of synthetic pictures."""

from __future__ import annotations

import zlib
from typing import Final

#: Markdown and HTML alike: plain sentences.
SENTENCES: Final = (
    "Meant for finding out where a model loses a culture, and for giving it back to people who want to see it.",
    "Not meant for pictures that pass for photographs, for deciding what people of a region look like or ought to be "
    "like, or for guessing where somebody comes from.",
    "A region is a frame of a country and a language; what judges reward can be a cliché; and judges know some "
    "cultures better than others.",
    "Who finds a picture, a caption or a region that is told wrongly should tell those who published this.",
)
#: IPTC's term for pictures that a trained model made.
SYNTHETIC: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#: XMP that says so, as a file's metadata.
XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SYNTHETIC}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
).encode()
_HEADER = 8 + 25  # bytes of a PNG's signature and of its first chunk, IHDR


def marked(png: bytes) -> bytes:
    """The PNG with the mark of a synthetic picture; its pixels stay as they are (PNG 1.2, iTXt; XMP part 3, 1.1.5)."""
    body = b"iTXt" + b"XML:com.adobe.xmp" + b"\0" * 5 + XMP
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:_HEADER] + chunk + png[_HEADER:]
