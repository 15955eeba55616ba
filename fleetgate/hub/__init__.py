"""What is done on the hub: the election, statuses and events, managed gateways."""
