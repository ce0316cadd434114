"""Adapters to the places that do the work; each knows one API and nothing about money or customers."""
