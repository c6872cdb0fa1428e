"""The public HTTP listener: what providers POST to the bridge. Starlette, uvicorn and httptools stay in here."""
