"""Features that annotations switch on: one file each, all listed in `features.FEATURES`."""
