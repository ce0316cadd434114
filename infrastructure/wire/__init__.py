"""The ground of every adapter to an HTTP API: one exchange, its limits, and what its failure means for money.

    client.py    one HTTP client an API: time-outs, connections, proxy
    api.py       Api: submit once, read until a deadline, poll a job
    answers.py   an answer as it came, its JSON, and what a refusal or an outage means
    content.py   files as data URIs, amounts as micro-units, provider's words without our secrets
    forms.py     a task as a multipart form
    blind.py     what adapters share whose API cannot be asked what became of a submission

An adapter adds the paths, the bodies and the words of its own API; nothing here knows any of them.
"""
