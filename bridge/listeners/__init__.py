"""The HTTP listeners of a worker, within its own loop: what callers cost, and how serving ends. uvicorn stays in here.

Not responsible for what is answered: that is the application's (`inbound.callbacks`, `ops`).
"""
