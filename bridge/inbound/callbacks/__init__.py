"""The public HTTP listener: what providers POST to the bridge. Starlette and python-multipart stay in here."""
