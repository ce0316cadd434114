"""Everything that touches the world: store, providers, assets, settings, command line."""
