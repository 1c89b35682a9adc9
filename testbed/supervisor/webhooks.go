package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// denied is the label whose value is the reason for which a webhook denies an object.
const denied = "testbed.example/deny"

// webhook is a validating webhook that denies objects by a label of theirs.
type webhook struct {
	name    string
	server  *http.Server
	address string
	reviews atomic.Int64
}

// webhookKey tells webhooks apart: clients name theirs without knowing each other.
type webhookKey struct {
	client int
	name   string
}

// newWebhook serves at address, as host. Several may serve as one host: replicas
// behind one Service.
func newWebhook(name, address, host string, authority *authorities) (*webhook, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: host},
		DNSNames:    []string{host},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, key, err := authority.cluster.issue(template)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	w := &webhook{name: name, address: listener.Addr().String()}
	w.server = &http.Server{
		Handler:           http.HandlerFunc(w.review),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}},
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = w.server.ServeTLS(listener, "", "") }()
	return w, nil
}

// review answers an AdmissionReview (admission.k8s.io/v1).
func (w *webhook) review(response http.ResponseWriter, asked *http.Request) {
	var review struct {
		Request struct {
			UID    string `json:"uid"`
			Object struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
			} `json:"object"`
		} `json:"request"`
	}
	if err := json.NewDecoder(asked.Body).Decode(&review); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	w.reviews.Add(1)
	answer := map[string]any{"uid": review.Request.UID, "allowed": true}
	if reason := review.Request.Object.Metadata.Labels[denied]; reason != "" {
		answer["allowed"] = false
		answer["status"] = map[string]any{"message": fmt.Sprintf("%s, says %s", reason, w.name)}
	}
	response.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(response).Encode(map[string]any{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer,
	})
}

// answerOfWebhook answers what is asked of one of the webhooks.
func (s *supervisor) answerOfWebhook(client int, r request) (reply, error) {
	key := webhookKey{client, r.Name}
	if r.Op == "webhook" {
		if s.webhooks[key] != nil {
			return nil, fmt.Errorf("there is a webhook %q", r.Name)
		}
		webhook, err := newWebhook(r.Name, r.Address, r.Host, s.authority)
		if err != nil {
			return nil, err
		}
		s.webhooks[key] = webhook
		return reply{"address": webhook.address}, nil
	}
	webhook := s.webhooks[key]
	if webhook == nil {
		return nil, fmt.Errorf("no webhook %q", r.Name)
	}
	if r.Op == "close-webhook" {
		delete(s.webhooks, key)
		return reply{}, webhook.server.Close()
	}
	return reply{"reviews": webhook.reviews.Load()}, nil
}
