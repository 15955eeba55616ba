"""Values that every dialect is read into. They know no dialect and no Envoy."""
