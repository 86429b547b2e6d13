"""As much of S3 as uploads need: PutObject, multipart uploads, HeadObject, GetObject. Bodies go to files as they come."""

import base64
import hashlib
import os
import re
import secrets
import time
import zlib
from email.utils import formatdate
from xml.sax.saxutils import escape

from starlette.responses import FileResponse, Response

from . import faults
from .stages import BUCKET, StagedFile

_CODES = {403: "ExpiredToken", 429: "SlowDown", 503: "SlowDown", 500: "InternalError"}


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code = status, code


def _error(status: int, code: str, message: str) -> Response:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>emulated</RequestId></Error>"
    return Response(text, status_code=status, media_type="application/xml")


async def endpoint(state, request):
    bucket, key = request.path_params["bucket"], request.path_params["key"]
    if bucket != BUCKET:
        return _error(404, "NoSuchBucket", f"there is no bucket {bucket}")

    async def work():
        try:
            _authorise(state, request, key)
            return await _handle(state, request, key)
        except _Refused as refused:
            return _error(refused.status, refused.code, str(refused))

    fault = state.faults.take("upload", key) if request.method in ("PUT", "POST") else None
    if fault and fault.do == "status":
        # The client must see the answer, which it does only once it has sent all.
        async for _ in request.stream():
            pass
        return _error(fault.status, _CODES.get(fault.status, "InternalError"), f"fault: {fault.status}")
    return await faults.strike(fault, request, work)


def _authorise(state, request, key: str) -> None:
    """The signature itself is not looked at."""
    made = state.stages.credentials.get(request.headers.get("x-amz-security-token", ""))
    if made is None:
        raise _Refused(403, "InvalidToken", "the security token is none that was handed out")
    if f"Credential={made.key_id}/" not in request.headers.get("authorization", ""):
        raise _Refused(403, "InvalidAccessKeyId", "the access key does not belong to the token")
    if not key.startswith(made.prefix):
        raise _Refused(403, "AccessDenied", "the credentials are for another path")


async def _handle(state, request, key: str) -> Response:
    query = request.query_params
    match request.method:
        case "PUT" if "uploadId" in query:
            return await _part(state, request, query["uploadId"], int(query["partNumber"]))
        case "PUT":
            return await _put(state, request, key)
        case "POST" if "uploads" in query:
            return _begin(state, key)
        case "POST" if "uploadId" in query:
            return await _complete(state, request, key, query["uploadId"])
        case "DELETE" if "uploadId" in query:
            folder = _upload(state, query["uploadId"])
            for name in os.listdir(folder):
                os.remove(os.path.join(folder, name))
            os.rmdir(folder)
            return Response(status_code=204)
        case "GET" | "HEAD":
            return _get(state, key)
    return _error(501, "NotImplemented", "the emulator has no such operation")


async def _put(state, request, key: str) -> Response:
    path = state.stages.place(key)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.{secrets.token_hex(4)}.part"
    size, md5 = await _receive(request, part)
    # Whole or not at all, as in S3.
    os.replace(part, path)
    state.stages.files[key] = StagedFile(path, size, md5.hex(), time.time())
    state.journal.count("uploads")
    state.journal.count("upload_bytes", size)
    return Response(headers={"etag": f'"{md5.hex()}"'})


def _get(state, key: str) -> Response:
    file = state.stages.files.get(key)
    if file is None:
        return _error(404, "NoSuchKey", f"there is no {key}")
    headers = {"etag": f'"{file.md5}"', "last-modified": formatdate(file.modified, usegmt=True)}
    return FileResponse(file.path, headers=headers, media_type="binary/octet-stream")


def _begin(state, key: str) -> Response:
    id = secrets.token_hex(16)
    os.makedirs(os.path.join(state.settings.folder, "multipart", id))
    text = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{id}</UploadId>"
    return Response(f"<InitiateMultipartUploadResult>{text}</InitiateMultipartUploadResult>", media_type="application/xml")


def _upload(state, id: str) -> str:
    folder = os.path.join(state.settings.folder, "multipart", id)
    if not re.fullmatch("[0-9a-f]{32}", id) or not os.path.isdir(folder):
        raise _Refused(404, "NoSuchUpload", "there is no such upload")
    return folder


async def _part(state, request, id: str, number: int) -> Response:
    folder = _upload(state, id)
    part = os.path.join(folder, f"{secrets.token_hex(4)}.part")
    _, md5 = await _receive(request, part)
    os.replace(part, os.path.join(folder, f"{number}.{md5.hex()}"))
    return Response(headers={"etag": f'"{md5.hex()}"'})


async def _complete(state, request, key: str, id: str) -> Response:
    folder = _upload(state, id)
    body = (await request.body()).decode()
    numbers = [int(number) for number in re.findall(r"<PartNumber>\s*(\d+)\s*</PartNumber>", body)]
    tags = [tag.lower() for tag in re.findall(r"<ETag>\s*(?:&quot;|\"|&#34;)?([0-9a-fA-F]{32})", body)]
    places = [os.path.join(folder, f"{number}.{tag}") for number, tag in zip(numbers, tags, strict=False)]
    if not places or len(numbers) != len(tags) or not all(os.path.exists(place) for place in places):
        raise _Refused(400, "InvalidPart", "a part is missing, or has another entity tag")
    if any(os.path.getsize(place) < 5 * 1024 * 1024 for place in places[:-1]):
        raise _Refused(400, "EntityTooSmall", "a part that is not the last one is smaller than 5 MiB")
    path = state.stages.place(key)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(places[0], "ab") as whole:
        for place in places[1:]:
            with open(place, "rb") as more:
                while piece := more.read(1 << 20):
                    whole.write(piece)
            os.remove(place)
    os.replace(places[0], path)
    size = os.path.getsize(path)
    tag = hashlib.md5(b"".join(bytes.fromhex(tag) for tag in tags)).hexdigest() + f"-{len(tags)}"
    state.stages.files[key] = StagedFile(path, size, tag, time.time())
    state.journal.count("uploads")
    state.journal.count("upload_bytes", size)
    text = f'<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><ETag>"{tag}"</ETag>'
    return Response(f"<CompleteMultipartUploadResult>{text}</CompleteMultipartUploadResult>", media_type="application/xml")


async def _receive(request, path: str) -> tuple[int, bytes]:
    """Takes the body into a file: its size and MD5. Refuses one that is not what its headers say."""
    stream = request.stream()
    if "aws-chunked" in request.headers.get("content-encoding", ""):
        stream = _unchunked(stream)
    size, md5, sha256, crc32 = 0, hashlib.md5(), hashlib.sha256(), 0
    try:
        with open(path, "xb") as file:
            async for piece in stream:
                file.write(piece)
                size += len(piece)
                md5.update(piece)
                sha256.update(piece)
                crc32 = zlib.crc32(piece, crc32)
        headers = request.headers
        for name, found in (
            ("content-md5", md5.digest()),
            ("x-amz-checksum-sha256", sha256.digest()),
            ("x-amz-checksum-crc32", crc32.to_bytes(4)),
        ):
            if name in headers and base64.b64decode(headers[name]) != found:
                raise _Refused(400, "BadDigest", f"the body is not what {name} says")
        said = headers.get("x-amz-content-sha256", "")
        if re.fullmatch("[0-9a-f]{64}", said) and said != sha256.hexdigest():
            raise _Refused(400, "XAmzContentSHA256Mismatch", "the body is not what x-amz-content-sha256 says")
        return size, md5.digest()
    except BaseException:
        os.remove(path)
        raise


async def _unchunked(stream):
    """The content of an aws-chunked body: chunks of `size;signature CRLF content CRLF`, the last one of no size."""
    pending, left = b"", 0
    async for piece in stream:
        pending += piece
        while pending:
            if left > 0:
                taken, pending = pending[:left], pending[left:]
                left -= len(taken)
                yield taken
                continue
            pending = pending.removeprefix(b"\r\n")
            head, found, rest = pending.partition(b"\r\n")
            if not found:
                break
            left, pending = int(head.split(b";")[0], 16), rest
            if left == 0:
                # Trailers follow, which are not looked at.
                async for _ in stream:
                    pass
                return
