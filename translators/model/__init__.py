"""What dialects are read into: values that know no dialect and no Envoy."""
