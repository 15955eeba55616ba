"""The writing to the hub: the election, statuses and events, managed gateways."""
