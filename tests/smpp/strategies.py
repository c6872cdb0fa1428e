"""Field values of submit_sm and deliver_sm for property tests."""

from typing import Any

from hypothesis import strategies as st

OCTET = st.integers(0, 255)


def short_message_fields(
    characters: st.SearchStrategy[str], times: st.SearchStrategy[str], tags: st.SearchStrategy[int]
) -> dict[str, st.SearchStrategy[Any]]:
    """A strategy for each field, with these characters in its strings, these instants and these tags of TLVs."""
    return {
        "service_type": st.text(characters, max_size=5),
        "source_addr_ton": OCTET,
        "source_addr_npi": OCTET,
        "source_addr": st.text(characters, max_size=20),
        "dest_addr_ton": OCTET,
        "dest_addr_npi": OCTET,
        "destination_addr": st.text(characters, max_size=20),
        "esm_class": OCTET,
        "protocol_id": OCTET,
        "priority_flag": OCTET,
        "schedule_delivery_time": times,
        "validity_period": times,
        "registered_delivery": OCTET,
        "replace_if_present_flag": OCTET,
        "data_coding": OCTET,
        "sm_default_msg_id": OCTET,
        "short_message": st.binary(max_size=254),
        "tlvs": st.lists(st.tuples(tags, st.binary(max_size=20)), max_size=4).map(tuple),
    }
