"""Octets of any kind against everything that reads what a peer sends; runs briefly in the tests, or for hours.

python -m tests.fuzz --minutes 60
"""
