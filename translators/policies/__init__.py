"""Policies: changes of Envoy's messages that annotations can ask for, each in a file of its own."""
