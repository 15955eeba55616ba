package main

// kind is a type of resource that a gateway's Envoy asks for.
type kind int

const (
	clusters kind = iota
	assignments
	listeners
	routes
	kinds
	unknown kind = -1
)

var typeURLs = [kinds]string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster",
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
	"type.googleapis.com/envoy.config.listener.v3.Listener",
	"type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
}

func kindOf(typeURL []byte) kind {
	for candidate, url := range typeURLs {
		if url == string(typeURL) {
			return kind(candidate)
		}
	}
	return unknown
}
