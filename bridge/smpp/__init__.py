"""Floor 1: SMPP 3.4, an island. Octets and `now` in, events and octets out; no socket, no clock."""
