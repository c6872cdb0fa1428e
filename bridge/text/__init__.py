"""Floor 1: what SMS is written in. Alphabets, user data headers, receipts, addresses, dates; all pure."""
