"""Traces of requests by OpenTelemetry: a part that is traced stands around the usual one, and off there is none.

    door ─ SERVER span ─┬─ prepare      checked, priced, files kept
                        ├─ admit        held, or refused
                        ├─ generate_content MODEL   asked of the provider (CLIENT), with GenAI's own names
                        ├─ save         outputs safe
                        └─ charge       the price is a fact; or release
    worker ─ perform ─ (as above), linked to the request that was accepted elsewhere

`around` decides whether there are any and imports nothing; `tracing` has spans and how they are sent; `parts` and
`requests` are what is traced. No prompt, no secret and no user is in a span.
"""
