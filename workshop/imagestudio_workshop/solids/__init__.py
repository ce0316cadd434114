"""Files of 3D models: read, written in another format, and turned before a camera."""
