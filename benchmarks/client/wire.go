package main

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// rawCodec passes messages on as bytes. Decoding resources that are only counted would cost more
// than the measured server.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

// fields calls visit for each field of a message, with the content of a field that has a length, and
// with the number of any other. A field that cannot be read ends it.
func fields(message []byte, visit func(field protowire.Number, content []byte, number uint64)) {
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		var content []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			content, size = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(message)
		default:
			size = protowire.ConsumeFieldValue(field, kind, message)
		}
		if size < 0 {
			return
		}
		visit(field, content, number)
		message = message[size:]
	}
}

// part gives the content of a field, nil if it is absent.
func part(message []byte, wanted protowire.Number) (found []byte) {
	fields(message, func(field protowire.Number, content []byte, _ uint64) {
		if field == wanted {
			found = content
		}
	})
	return found
}

func appendText(to []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return to
	}
	to = protowire.AppendTag(to, field, protowire.BytesType)
	return protowire.AppendString(to, text)
}

func appendMessage(to []byte, field protowire.Number, message []byte) []byte {
	to = protowire.AppendTag(to, field, protowire.BytesType)
	return protowire.AppendBytes(to, message)
}

// resource is a resource of a response, in either variant. body is nil if it is removed.
type resource struct {
	name string
	body []byte
}

// response is the part of a response that the client needs. count is the number of its resources,
// with removed ones, whether they were read or not.
type response struct {
	kind           kind
	version, nonce string
	count          int
	resources      []resource
}

// readResponse reads a response, and its resources only if they are wanted.
func readResponse(message []byte, delta, withResources bool) response {
	read := response{kind: unknown}
	fields(message, func(field protowire.Number, content []byte, _ uint64) {
		switch field {
		case 1:
			read.version = string(content)
		case 4:
			read.kind = kindOf(content)
		case 5:
			read.nonce = string(content)
		case 2, 6:
			read.count++
			if withResources {
				read.resources = append(read.resources, readResource(field, content, delta))
			}
		}
	})
	return read
}

func readResource(field protowire.Number, content []byte, delta bool) resource {
	switch {
	case field == 6: // removed, which only the delta variant has
		return resource{string(content), nil}
	case delta:
		return resource{string(part(content, 3)), notNil(part(part(content, 2), 2))}
	default: // an Any; the name is the first field of all four types
		body := notNil(part(content, 2))
		return resource{string(part(body, 1)), body}
	}
}

func notNil(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}

// hasEndpoints tells whether a ClusterLoadAssignment has any endpoint.
func hasEndpoints(assignment []byte) bool {
	found := false
	fields(assignment, func(field protowire.Number, locality []byte, _ uint64) {
		found = found || field == 2 && part(locality, 2) != nil
	})
	return found
}

// addressMark is the encoding of an address in a ClusterLoadAssignment, as SocketAddress.address.
func addressMark(address string) []byte { return appendText(nil, 2, address) }
