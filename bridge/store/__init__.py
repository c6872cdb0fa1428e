"""Redis: what all workers together must remember, so that nothing is sent or published twice.

Claims of MTs, correlation of receipts with them, and the receipts and messages already published. Every
operation is a call with a callback; those of one turn of the loop travel in one script call (`functions.lua`).
Redis, its client and its exceptions do not leave this room.
"""
