"""The studio for agents, over the Model Context Protocol: a door like the gateway, which decides nothing itself.

    a client ─┬─ its own process, stdio ── `desk` ──┐
              └─ POST /mcp of the gateway ─ `door` ─┴─ AgentCaller ─ a tool ─> the one entry ─> content, or one error

`server` speaks the protocol, `tools` lists what may be called, `asking` and `looking` do it. `answers` are what a model
reads: a short document, small pictures, links. `people` ask the person before the client. The protocol's package is
loaded with the first request that needs it.
"""
