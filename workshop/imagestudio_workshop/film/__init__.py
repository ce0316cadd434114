"""Orders that need FFmpeg's libraries through PyAV, from the extra; imported only when one of them is asked for."""
