"""The service beside what it is compared to, over real sockets, before one upstream that answers at once.

load (its own process) ──> a contender (its own process, one worker) ──> upstream (its own process)

direct        the upstream itself: the load alone
pass-through  the same server and client, recording and saving nothing: the limit
usual way     the same framework with counters in a database by an ORM, saving the picture
ours          held, recorded, saved, charged, in the views
LiteLLM       its proxy without a database, in an environment of its own
"""
