"""Photos by digest: uploaded once, fetched by who may see them and by Systems with an address the hub signed."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field, StringConstraints

from hub.errors import Problem
from hub.failpoint import passing
from hub.model import Attachment
from hub.store.blobs import blob_path, keep_blob, name_blob, signature
from hub.store.query import views
from hub.web.context import Hub, Parts
from hub.web.problems import documented
from hub.web.security import Filler, recognised, signed_in
from hub.web.shapes import View, Word

router = APIRouter(prefix="/attachments", tags=["attachments"])
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the bytes, hexadecimal")]
Moment = Annotated[str, StringConstraints(pattern="^[0-9]{0,12}$")]
_PHOTO = {"schema": {"type": "string", "format": "binary"}}
_PHOTOS = dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _PHOTO)
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class AttachmentView(View):
    """A photo the hub holds."""

    sha256: str
    kept_sha256: str = Field(description="of what is kept: another one where what is no picture was left out")
    size_bytes: int = Field(description="of what is kept", examples=[213_004])
    media_type: str = Field(examples=["image/jpeg"])


class Proof(BaseModel):
    """How a System shows that the hub gave it an address; empty for people, who are signed in."""

    system: Word = Field(default="", alias="for")
    until: Moment = ""
    sig: Word = ""


@router.put(
    "/{sha256}",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": _PHOTOS}},
    responses={200: {"description": "held already", "model": AttachmentView}, **documented(409, 507)},
)
async def upload(sha256: Digest, request: Request, response: Response, caller: Filler, hub: Hub) -> AttachmentView:
    """Upload a photo of at most 20 MiB; again is harmless.

    Where it was taken, and all else that is no picture, is not kept; it is named by the digest of what was sent all the
    same. The type is told from its first bytes.
    """
    hub.photos.demand_same()
    blob = await keep_blob(hub.settings.data_dir, sha256, request.stream())
    hub.photos.demand_same()
    row = Attachment(**vars(blob), account_id=caller.account.id, created_at=hub.clock.now())
    if not await hub.write(caller.proof, lambda session: name_blob(session, hub.settings.data_dir, row)):
        response.status_code = 200
    passing("blob.row")
    return AttachmentView(**vars(blob) | {"kept_sha256": blob.kept_sha256 or blob.sha256})


@router.get(
    "/{sha256}",
    response_class=FileResponse,
    responses={200: {"description": "the photo", "content": _PHOTOS}, **documented(404)},
    openapi_extra={"security": [{"APIKeyCookie": []}, {"HTTPBearer": []}, {}]},
)
async def fetch(sha256: Digest, request: Request, hub: Hub, proof: Annotated[Proof, Query()]) -> FileResponse:
    """Fetch a photo one may see; `sig` is how a System proves that the hub gave it the address."""
    if proof.sig:
        _demand_signature(hub, sha256, proof)
        now = hub.clock.now()
        media_type = await hub.store.read(lambda session: views.media_type(session, sha256, now))
    else:
        caller = await signed_in(await recognised(request, hub))
        row = await hub.store.read(lambda session: views.attachment(session, caller.scope, sha256))
        media_type = row.media_type if row else None
    path = blob_path(hub.settings.data_dir, sha256)
    if media_type is None or not path.exists():
        raise Problem("not_found", 404)
    name = f"{sha256[:12]}.{_SUFFIX.get(media_type, 'bin')}"
    return FileResponse(path, media_type=media_type, filename=name, headers={"Cache-Control": "no-store"})


def _demand_signature(hub: Parts, sha256: str, proof: Proof) -> None:
    """Raise Problem unless the hub itself made this address and it has not run out; both look like an unknown photo."""
    ours = signature(hub.attachment_key, sha256, proof.system, proof.until)
    over = bool(proof.until) and int(proof.until) < hub.clock.now().timestamp()
    if over or not hmac.compare_digest(ours.encode(), proof.sig.encode()):
        raise Problem("not_found", 404)
