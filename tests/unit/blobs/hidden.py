"""Photos that hide a place in every corner anybody is known to write one into, and in some nobody is."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.pictures import TAKEN_AT, commented, drawn, exif

SAID = b"29.284211,120.241177"
"""A place nobody was asked for."""
XMP = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="29,17.05N" exif:GPSLongitude="' + SAID + b'"/></x:xmpmeta>'
JPEG, PNG, WEBP = drawn("JPEG", (40, 24)), drawn("PNG", (40, 24)), drawn("WEBP", (40, 24), lossless=True)
SECRETS = (SAID, SAID.hex().encode(), SAID.decode().encode("utf-16-le"), b"GPS", "GPS".encode("utf-16-le"), b"&#71;")


def placed(way: int = 6) -> bytes:
    """EXIF with a place in its directory and in words, a note of the maker's, and how the picture is held."""
    told = Image.Exif()
    told[ExifTags.Base.Orientation], told[ExifTags.IFD.GPSInfo] = (
        way,
        {**TAKEN_AT, ExifTags.GPS.GPSAreaInformation: SAID},
    )
    told[ExifTags.Base.Make], told[ExifTags.Base.ImageDescription] = "GPS Camera", SAID.decode()
    told[ExifTags.IFD.Exif] = {
        ExifTags.Base.MakerNote: b"GPS " + SAID,
        ExifTags.Base.UserComment: b"ASCII\0\0\0" + SAID,
    }
    return told.tobytes()


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def in_front(*segments: bytes) -> bytes:
    """The JPEG with segments where cameras write them."""
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def behind_the_scan(*segments: bytes) -> bytes:
    return JPEG[:-2] + b"".join(segments) + JPEG[-2:]


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def png_with(*chunks: bytes, behind: bool = False) -> bytes:
    """The PNG with chunks after its head, or behind its pixels."""
    at = len(PNG) - 12 if behind else 33
    return PNG[:at] + b"".join(chunks) + PNG[at:]


def raw_profile(kind: str, content: bytes) -> bytes:
    """What converters write of a profile into a PNG."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    words = f"\n{kind}\n{len(content):8}\n{lines}\n".encode()
    return chunk(b"zTXt", f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(words))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + len(said).to_bytes(4, "little") + said + b"\0" * (len(said) % 2) for name, said in chunks)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def webp_with(*chunks: tuple[bytes, bytes], flags: int = 0x0C) -> bytes:
    """The WebP with chunks around its picture."""
    head = bytes([flags, 0, 0, 0]) + (39).to_bytes(3, "little") + (23).to_bytes(3, "little")
    return riff((b"VP8X", head), (WEBP[12:16], WEBP[20:]), *chunks)


def profile(*tags: bytes) -> bytes:
    """A colour profile with tags of its own beside those of sRGB."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", srgb, 128)
    srgb[128:132] = (count + len(tags)).to_bytes(4, "big")
    return bytes(srgb[:132]) + b"".join(tag + bytes(8) for tag in tags) + bytes(srgb[132:]) + SAID * bool(tags)


def moving(kind: str) -> bytes:
    """Two pictures one after the other, with a place."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 24), colour) for colour in ("red", "green")]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], exif=placed(1), xmp=XMP, lossless=True)
    return file.getvalue()


def two_pictures() -> bytes:
    """What phones write for brightness or depth: a JPEG that says so, and another behind it that tells a place."""
    file = io.BytesIO()
    frames = [Image.new("L", (40, 24), shade) for shade in (80, 160)]
    frames[0].save(file, "MPO", save_all=True, append_images=frames[1:])
    return file.getvalue()[:-2] + segment(0xE1, placed()) + b"\xff\xd9"


def within_a_frame() -> bytes:
    """An animated WebP with a chunk nobody knows inside its first frame."""
    told = moving("WEBP")
    at = told.index(b"ANMF")
    size = int.from_bytes(told[at + 4 : at + 8], "little")
    frame = told[at + 8 : at + 8 + size] + b"gPSx" + len(SAID).to_bytes(4, "little") + SAID
    made = told[:at] + b"ANMF" + len(frame).to_bytes(4, "little") + frame + told[at + 8 + size + size % 2 :]
    return made[:4] + (len(made) - 8).to_bytes(4, "little") + made[8:]


def words(key: str, said: str, *, packed: bool = False) -> bytes:
    told = PngInfo()
    told.add_itxt(key, said, zip=packed)
    return drawn("PNG", (40, 24), pnginfo=told)


def described(name: str) -> bytes:
    """XMP as Pillow would not write it: in two bytes a letter, or with references in it."""
    return {"utf-16": XMP.decode().encode("utf-16"), "entities": XMP.replace(b"GPS", b"&#71;&#x50;S")}[name]


XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x19\x1c\x02\x5a\0\x14" + SAID + b"\0"
SECOND = in_front(segment(0xE1, placed()))
JPEGS: dict[str, Callable[[], bytes]] = {
    "exif": lambda: in_front(segment(0xE1, placed())),
    "a second exif": lambda: in_front(segment(0xE1, exif({})), segment(0xE1, placed())),
    "exif behind the scan": lambda: behind_the_scan(segment(0xE1, placed())),
    "xmp": lambda: in_front(segment(0xE1, XMP_OF_JPEG + XMP)),
    "xmp in two bytes a letter": lambda: in_front(segment(0xE1, XMP_OF_JPEG + described("utf-16"))),
    "xmp with references": lambda: in_front(segment(0xE1, XMP_OF_JPEG + described("entities"))),
    "xmp continued": lambda: in_front(segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + XMP)),
    "iptc": lambda: in_front(segment(0xED, IPTC)),
    "comments": lambda: commented(SAID, b"GPS " + SAID),
    "a picture behind it": two_pictures,
    "a thumbnail of JFIF": lambda: JPEG[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1" + SAID[:3]) + JPEG[20:],
    "a thumbnail with exif of its own": lambda: in_front(segment(0xE0, b"JFXX\0\x10" + SECOND[:60000])),
    "segments nobody knows": lambda: in_front(*(segment(marker, SAID) for marker in range(0xE3, 0xF0))),
    "flashpix": lambda: in_front(segment(0xE2, b"FPXR\0" + SAID)),
    "a profile of more than colours": lambda: in_front(segment(0xE2, b"ICC_PROFILE\0\1\1" + profile(b"gps "))),
    "a profile that is none": lambda: in_front(segment(0xE2, b"ICC_PROFILE\0\1\1" + SAID)),
    "adobe's mark, with more": lambda: in_front(segment(0xEE, b"Adobe\0\x64\0\0\0\0\0" + SAID)),
    "between two scans": lambda: _between_scans(segment(0xE1, placed())),
    "bytes between two parts": lambda: JPEG[:20] + SAID + JPEG[20:],
}
PNGS: dict[str, Callable[[], bytes]] = {
    "exif": lambda: png_with(chunk(b"eXIf", placed()[6:])),
    "exif behind the pixels": lambda: png_with(chunk(b"eXIf", placed()[6:]), behind=True),
    "raw profile exif": lambda: png_with(raw_profile("exif", placed(1))),
    "raw profile APP1": lambda: png_with(raw_profile("APP1", placed(1))),
    "raw profile xmp": lambda: png_with(raw_profile("xmp", XMP)),
    "raw profile iptc": lambda: png_with(raw_profile("iptc", IPTC)),
    "xmp": lambda: words("XML:com.adobe.xmp", XMP.decode()),
    "xmp, packed": lambda: words("XML:com.adobe.xmp", XMP.decode(), packed=True),
    "xmp behind the pixels": lambda: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), behind=True),
    "xmp with references": lambda: words("XML:com.adobe.xmp", described("entities").decode()),
    "words": lambda: png_with(chunk(b"tEXt", b"Comment\0" + SAID), chunk(b"zTXt", b"c\0\0" + zlib.compress(SAID))),
    "chunks nobody knows": lambda: png_with(chunk(b"gpSx", SAID), chunk(b"tIME", SAID), chunk(b"sPLT", SAID)),
    "a profile of more than colours": lambda: png_with(chunk(b"iCCP", b"x\0\0" + zlib.compress(profile(b"gps ")))),
    "a profile by the name of a place": lambda: png_with(chunk(b"iCCP", SAID + b"\0\0" + zlib.compress(profile()))),
    "a profile with more behind it": lambda: png_with(chunk(b"iCCP", b"x\0\0" + zlib.compress(profile()) + SAID)),
    "pictures that follow": lambda: moving("PNG"),
}
WEBPS: dict[str, Callable[[], bytes]] = {
    "exif": lambda: webp_with((b"EXIF", placed()[6:])),
    "exif with a mark": lambda: webp_with((b"EXIF", placed())),
    "xmp": lambda: webp_with((b"XMP ", XMP)),
    "xmp in two bytes a letter": lambda: webp_with((b"XMP ", described("utf-16"))),
    "chunks nobody knows": lambda: webp_with((b"gpsX", SAID), (b"META", SAID)),
    "a profile of more than colours": lambda: webp_with((b"ICCP", profile(b"gps ")), flags=0x2C),
    "one that moves": lambda: moving("WEBP"),
    "within a frame": within_a_frame,
    "exif without a head": lambda: riff((WEBP[12:16], WEBP[20:]), (b"EXIF", placed())),
}  # fmt: skip
WEBP_HEAD = bytes(4) + (39).to_bytes(3, "little") + (23).to_bytes(3, "little")
HIDDEN = {f"{kind}: {name}": made for kind, several in (("jpeg", JPEGS), ("png", PNGS), ("webp", WEBPS))
          for name, made in several.items()}  # fmt: skip


def _between_scans(told: bytes) -> bytes:
    """A JPEG of several scans with a segment before the last of them."""
    several = drawn("JPEG", (40, 24), progressive=True)
    at = several.rindex(b"\xff\xda")
    return several[:at] + told + several[at:]
