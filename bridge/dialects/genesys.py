"""The Genesys SMS Aggregation Service, where its SMPP side departs from SMPP 3.4.

Its data_coding 0 is UTF-8 unless the account manager changed it (so the configuration's default for this
dialect), its 2 is GSM 03.38, its 5 is JIS X 0201 (the single octets of Shift_JIS), and it lists none for 8-bit
data. A receipt's text is the carrier's own, id included: only the TLV names the MT. Numbers go as digits, TON and
NPI are ignored. Its HTTP side is not here.
"""

from types import MappingProxyType

from bridge.dialects.dialect import Dialect

GENESYS = Dialect(
    name="genesys",
    codings=MappingProxyType(
        {
            1: "ascii",
            2: "gsm",
            3: "latin1",
            5: "shift_jis",
            6: "iso-8859-5",
            7: "iso-8859-8",
            8: "ucs2",
            10: "iso-2022-jp",
            13: "jis-x-0212",
            14: "euc-kr",
        }
    ),
    ids_from_text=False,
)
