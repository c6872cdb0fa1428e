"""Floor 4: what demo, bench, chaos and tests share: private servers, load, the audit of what happened."""
