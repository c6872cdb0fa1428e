"""The faults, in files by whom they hurt; `catalogue.py` lists them. Each heals what it broke, also when cancelled."""
