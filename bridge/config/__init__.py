"""Floor 2: the YAML file, read once at start, as frozen settings. No socket, no clock."""
