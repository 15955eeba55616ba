"""Which Ingress wins, where several have a say."""
