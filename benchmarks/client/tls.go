package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"time"
)

// secure gives each host of the load a certificate in a Secret of its own.
func secure(given *options) (outcome, error) {
	result := newOutcome()
	fleet, err := given.fleet()
	if err != nil {
		return result, err
	}
	return result, everywhere(writers, 0, given.held.hosts, func(i int) error {
		namespace := namespaceOf(given.held.serviceOf(i))
		if err := fleet.hub.createCertificate(namespace, nameOf(i), hostOf(i)); err != nil {
			return err
		}
		return fleet.hub.nameCertificate(namespace, nameOf(i), hostOf(i))
	})
}

// tlsOf is the field of an Ingress that names the Secret of its host, with a comma behind it.
func tlsOf(secret, host string) string {
	return fmt.Sprintf(`"tls":[{"hosts":[%q],"secretName":%q}],`, host, secret)
}

// bare takes these certificates away.
func bare(given *options) (outcome, error) {
	result := newOutcome()
	fleet, err := given.fleet()
	if err != nil {
		return result, err
	}
	return result, everywhere(writers, 0, given.held.hosts, func(i int) error {
		namespace := namespaceOf(given.held.serviceOf(i))
		if err := fleet.hub.patchIngress(namespace, nameOf(i), `{"spec":{"tls":null}}`); err != nil {
			return err
		}
		return fleet.hub.deleteSecret(namespace, nameOf(i))
	})
}

// newHandshakes creates Ingresses of one host with a certificate, each after the last one was shown.
// It measures from the API server's 201 for the Ingress until Envoy shows the certificate. Its Secret
// exists already, as if cert-manager had made it for another Ingress.
func newHandshakes(given *options) (outcome, error) {
	result := newOutcome()
	fleet, err := given.fleet()
	if err != nil {
		return result, err
	}
	if err := ownBackend(fleet, given.backend); err != nil {
		return result, err
	}
	run := fmt.Sprintf("t%d", os.Getpid())
	name := func(i int) string { return fmt.Sprintf("%s-%06d", run, i) }
	defer everywhere(writers, 0, given.n+1, func(i int) error {
		if err := fleet.hub.deleteIngress(ownNamespace, name(i)); err != nil {
			return err
		}
		return fleet.hub.deleteSecret(ownNamespace, name(i))
	})
	create := func(i int) (time.Duration, error) {
		host := name(i) + ownDomain
		if err := fleet.hub.createCertificate(ownNamespace, name(i), host); err != nil {
			return 0, err
		}
		if err := fleet.hub.createIngressWith(ownNamespace, name(i), host, ownService, tlsOf(name(i), host)); err != nil {
			return 0, err
		}
		answered := time.Now()
		err := untilShown(given.through, host)
		return time.Since(answered), err
	}
	if _, err := create(given.n); err != nil { // the first one also creates the Cluster
		return result, err
	}
	for i := range given.n {
		pause(given.gap)
		took, err := create(i)
		if err != nil {
			return result, err
		}
		result.sample("handshake", took)
	}
	return result, nil
}

// visit makes a handshake with each host of the load. An Envoy then holds all certificates.
func visit(given *options) (outcome, error) {
	return newOutcome(), everywhere(writers, 0, given.held.hosts, func(i int) error {
		return untilShown(given.through, hostOf(i))
	})
}

// untilShown makes handshakes with an Envoy until it shows the certificate of a host.
func untilShown(envoy, host string) error {
	config := &tls.Config{ServerName: host, InsecureSkipVerify: true}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		connection, err := tls.Dial("tcp", envoy, config)
		if err != nil {
			continue
		}
		shown := connection.ConnectionState().PeerCertificates[0].Subject.CommonName
		connection.Close()
		if shown == host {
			return nil
		}
	}
	return fmt.Errorf("%s does not show a certificate of %s", envoy, host)
}

const secrets = "/api/v1/namespaces/%s/secrets"

func (s *apiServer) createCertificate(namespace, name, host string) error {
	chain, key, err := certificate(host)
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":%q},"type":"kubernetes.io/tls",`+
		`"data":{"tls.crt":%q,"tls.key":%q}}`, name, chain, key)
	return s.do("POST", fmt.Sprintf(secrets, namespace), body, http.StatusConflict)
}

func (s *apiServer) deleteSecret(namespace, name string) error {
	return s.do("DELETE", fmt.Sprintf(secrets, namespace)+"/"+name, "", http.StatusNotFound)
}

func (s *apiServer) nameCertificate(namespace, name, host string) error {
	return s.patchIngress(namespace, name, fmt.Sprintf(`{"spec":{"tls":[{"hosts":[%q],"secretName":%q}]}}`, host, name))
}

func (s *apiServer) patchIngress(namespace, name, body string) error {
	return s.do("PATCH", fmt.Sprintf(ingresses, namespace)+"/"+name, body)
}

// certificate makes a certificate for a host, and gives it and its key in base64.
func certificate(host string) (chain, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(90 * 24 * time.Hour),
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return "", "", err
	}
	written, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	text := func(kind string, bytes []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return text("CERTIFICATE", made), text("PRIVATE KEY", written), nil
}
