"""Certificates for xDS, which decide whose configuration a client gets."""
