"""The video studio: services that make films, and change them."""
