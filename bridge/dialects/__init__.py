"""Floor 2: one pure file per kind of provider. Mt to PDU or request, PDU or callback to Mo or Dr, status to Outcome.

Which HTTP dialect a provider's settings make is in `links/http_dialects.py`: settings are not known on this floor.
"""

from collections.abc import Mapping

from bridge.dialects.dialect import Dialect
from bridge.dialects.genesys import GENESYS
from bridge.dialects.smpp34 import SMPP34

SMPP_DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (SMPP34, GENESYS)}
"""The dialects with an SMPP side, by the configuration's word."""
