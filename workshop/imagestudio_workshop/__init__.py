"""Pictures, films and models made on this machine, by arithmetic and not by a model: a plug-in of Image Studio.

`provider.build` is its entry point, and `local.toml` beside this file are its models. The module that does the work is
imported when it is first asked for.
"""
