"""The studio over HTTP: a door like the command line, which validates, prices and charges nothing itself.

    request ── Arrivals: an id, bounds on bytes and time ── Door: a key, its account and scopes
            └─ a route: the body as a Request ──> the one entry ──> an answer, or one error with a stable code

    openai/    the routes that clients of OpenAI's API call, in its words
    native/    our own: operations, estimates, assets, what was used, what is left

`serving` runs it; `app` puts it together. Whoever adds a route puts it into a router of these two folders.
"""
