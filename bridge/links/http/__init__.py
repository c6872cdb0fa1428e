"""HTTP endpoints: finding them, one exchange at a time, and whether they may be used."""
