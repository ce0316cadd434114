"""The studio from elsewhere: the library's methods over HTTP, with its own results and errors.

    with Client("http://127.0.0.1:8700", key="isk_…") as studio:
        result = studio.operations.generate("a lake at dawn")

    facade ── sending: a request as a body ──> wire: sent, again if that pays nothing twice ──> a gateway
           <── records: results, rows <── documents                              faults: errors <── problems

It needs neither the engine nor the extra `service`. `infrastructure/gateway/` is the other end.
"""
