"""What the house promises, as sentences about facts. Each room is tested in the folder of its name; beside them stand

faults/             deaths, stops, races, wrong clocks and lying providers, across whole studios
wire/               the fakes of providers, driven by official SDKs; the proxy that spoils what passes through it
pages/              README and docs, whose examples run as they stand
corpus/             media files that other programs made
building/           the wheel, in an empty environment and beside a host
domain/examples     facts and quotes in capitals; naive: the same ledger kept the slow way
application/studios a whole studio on a database; support: an office with a writer, whose steps can be broken
postgres, standby, pgbouncer     real servers that the session starts and stops
"""
