"""What one kind of SMPP provider does differently, as data. What they all do is `submit.py` and `deliver.py`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """`codings`: what data_coding 1-15 mean. `ids_from_text`: a receipt's text names the provider's own id."""

    name: str
    codings: Mapping[int, str]
    ids_from_text: bool
