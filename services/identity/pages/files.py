"""The few files that the pages load, all from here and none from elsewhere."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from services.identity.pages.texts import HERE
from shared.auth import open_to_all

router = APIRouter(include_in_schema=False)

FILES: Final = {
    "vestibule.css": "text/css",
    "vestibule.svg": "image/svg+xml",
    "invitation.js": "text/javascript",
    "reveal.js": "text/javascript",
}


@router.get("/static/{name}", dependencies=[open_to_all("the look of the pages")])
async def static_file(name: str) -> Response:
    """One of the files."""
    if name not in FILES:
        return Response(status_code=404)
    return FileResponse(HERE / "static" / name, media_type=FILES[name], headers={"Cache-Control": "public, max-age=3600"})
