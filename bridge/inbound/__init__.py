"""Floor 4: the way of MOs and DRs from a link to the inbound exchange, once each, answered only when safe."""
