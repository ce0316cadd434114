"""Readers of file formats: what a file is by its first bytes, and its size and length by its own tables.

    signatures   bytes ──> media type
    movies       MP4, QuickTime, M4A      ─┐
    ebml         WebM                      ├──> Measured(width, height, duration_ms)
    sounds       WAV, MP3, FLAC, Ogg      ─┘

All of them read a memoryview, decode nothing, copy little and never raise: what cannot be read is None. Each walk is
bounded, since a hostile file may hold as many empty tables as it has bytes.
"""
