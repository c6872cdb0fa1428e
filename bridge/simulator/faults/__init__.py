"""The misbehaviours, one small class each; `catalogue.py` gives them their names on the command line.

Their parameters are keyword arguments. Those with `every` act on every nth submit_sm of their SMSC; those with
`after` when a bind has sent that many.
"""
