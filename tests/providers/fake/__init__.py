"""One application that stands for four providers; how to use it is in tests/providers/__init__.py."""
