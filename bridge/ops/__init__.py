"""What an operator sees of a worker: its health, its numbers, its logs."""
