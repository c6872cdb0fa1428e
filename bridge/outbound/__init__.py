"""Floor 4: the MT's way from a delivery to its one end. Knows links, broker and store only by what it asks of them."""
