"""Orders that need OpenCV, from the extra; imported only when one of them is asked for."""
