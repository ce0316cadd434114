"""Fake provider APIs on loopback sockets, for tests of adapters and of whole operations.

    from tests.wire.fake.behaviour import Behaviour
    from tests.wire.fake.server import Fake, serving

    def test_something(fake: Fake) -> None:            # the fixture of tests/wire/conftest.py,
        with serving(tmp_path / "fake") as fake: ...   # or, anywhere else, the context manager behind it

        fake.url                              # "http://127.0.0.1:PORT", the base address of all four APIs:
                                              # the paths under it are the real ones, and none of them meet
        fake.key("wavespeed")                 # the key it accepts; also "stability", "fal" …

        fake.next("wavespeed", Behaviour(polls=2, ending="failed"))     # script the next submission …
        fake.next("stability", Behaviour(status=503), times=3)          # … the next three …
        fake.next("openai", Behaviour(lost="drop"), times=None)         # … or all from now on
        fake.change(job_id, Behaviour())      # another ending for a job that is still running
        fake.price("some/model", "0.05")      # what it quotes, and bills where no behaviour says otherwise

        fake.submissions("wavespeed")         # every submission that came, accepted or not, oldest first
        fake.jobs("wavespeed")                # every job it made of them: one each, billed as `job.price` says
        fake.wait_for(lambda: fake.jobs())    # blocks, with a deadline
        fake.release()                        # let go the replies that Behaviour(held=True) holds back
        fake.advance(7 * 86_400)              # move its clock (created_at, expiry of outputs and results)
        fake.deliver(job_id, "forged")        # send a webhook now, of a kind named in webhooks.py

Without a script it does what a healthy provider does; what may be scripted is in fake/behaviour.py. All it knows is in
its folder, so the same object works on a server in another process: `python -m tests.wire.fake --state FOLDER
--port N` serves, and `Fake(FOLDER, "http://127.0.0.1:N")` scripts it and reads it, before it starts and after it was
killed too. Real media for inputs are in fake/media.py, plain HTTP clients in clients.py.

A worse line than the fake's own comes from tests/wire/proxy.py:

        with proxied("127.0.0.1", fake.port) as proxy:                      # proxy.url instead of fake.url
            proxy.next(Fault("after", when=b"POST /api/v3/"))               # sent, and the answer lost

Outputs are addressed on whatever host and port the request came to, so they go through the proxy as well. The store
that serves them refuses a request with a key in it, and the queue of fal names its own host, which is not there: an
adapter must ask the router for it.
"""
