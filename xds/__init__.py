"""The xDS protocol: resources, snapshots, streams as state machines, and the thin gRPC server."""
