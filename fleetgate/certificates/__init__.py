"""Who may ask for which gateway's configuration: certificates for xDS, made or given."""
