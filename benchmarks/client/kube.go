package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
)

// apiServer is a client of an API server, with one connection.
type apiServer struct {
	url, token string
	client     *http.Client
}

// openServer reads a kubeconfig in JSON that has one context with a token.
func openServer(path string) (*apiServer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string
				CA     []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct{ User struct{ Token string } }
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s: one cluster and one user are expected", path)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(config.Clusters[0].Cluster.CA)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &apiServer{config.Clusters[0].Cluster.Server, config.Users[0].User.Token,
		&http.Client{Transport: transport, Timeout: patience}}, nil
}

// do sends a request, and returns when its answer was read. A status that is neither 2xx nor
// accepted is an error.
func (s *apiServer) do(method, path, body string, accepted ...int) error {
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	content := "application/json"
	if method == "PATCH" {
		content = "application/merge-patch+json"
	}
	request.Header.Set("Content-Type", content)
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 && !slices.Contains(accepted, answer.StatusCode) {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return nil
}
