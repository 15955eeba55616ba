"""The ALB dialect: AlbConfig, and Ingresses with annotations of ALB."""
