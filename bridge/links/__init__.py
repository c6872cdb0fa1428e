"""What an MT can leave through, and what MOs and DRs come in by: binds, kept bound to every node of every site."""
