"""The tables of translation, kept up to date."""
