"""Redis: what all workers together must remember, so that nothing is sent or published twice.

Claims of MTs, correlation of receipts with them, the receipts and messages already published, the segments of long
MOs, and what is due when something never comes. Every operation is a call with a callback; those of one turn of the
loop travel in one script call (`lua/`). Redis, its client and its exceptions do not leave this room.
"""
