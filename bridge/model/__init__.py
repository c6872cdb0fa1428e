"""Floor 0: the words of the house, as frozen data. Standard library only, no I/O, no clock, no chance."""
