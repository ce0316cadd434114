"""One application that stands for four providers; how to use it is in tests/wire/__init__.py."""
