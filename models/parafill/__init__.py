"""Training library of Parafill: from source packages to an exported infilling model."""
