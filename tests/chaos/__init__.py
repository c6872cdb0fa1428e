"""Nothing lost, nothing doubled, whatever breaks: real processes under load while faults are injected one by one.

python -m tests.chaos --minutes 60

It stands among the tests and not in the package that is shipped: it proves the bridge to those who change it, needs
servers of its own that it can break, and borrows what the system tests have.
"""
