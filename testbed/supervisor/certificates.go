package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// authorities are the cluster's own CA, for servers and users, and the one of
// front proxies, whose word for who the user is the API server takes.
type authorities struct {
	cluster, frontProxy *authority
	// What the gateway serves with, and shows to the API server.
	server, proxyClient tls.Certificate
}

// newAuthorities writes ca.{crt,key}, front-proxy-ca.crt, apiserver.{crt,key},
// kubelet-client.{crt,key}, front-proxy.{crt,key} and sa.{key,pub} into dir.
func newAuthorities(dir string) (*authorities, error) {
	cluster, err := newAuthority("kubernetes")
	if err != nil {
		return nil, err
	}
	frontProxy, err := newAuthority("front-proxy")
	if err != nil {
		return nil, err
	}
	a := &authorities{cluster: cluster, frontProxy: frontProxy}
	clusterKey, err := keyPEM(cluster.key)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"ca.crt": cluster.pem, "ca.key": clusterKey, "front-proxy-ca.crt": frontProxy.pem,
	}
	leaves := []struct {
		name     string
		issuer   *authority
		template *x509.Certificate
	}{
		{"apiserver", cluster, serverTemplate()},
		{"kubelet-client", cluster, clientTemplate("kube-apiserver-kubelet-client", []string{"system:masters"})},
		{"front-proxy", frontProxy, clientTemplate("front-proxy-client", nil)},
	}
	for _, leaf := range leaves {
		certificate, key, err := leaf.issuer.issue(leaf.template)
		if err != nil {
			return nil, err
		}
		files[leaf.name+".crt"], files[leaf.name+".key"] = certificate, key
	}
	if a.server, err = tls.X509KeyPair(files["apiserver.crt"], files["apiserver.key"]); err != nil {
		return nil, err
	}
	if a.proxyClient, err = tls.X509KeyPair(files["front-proxy.crt"], files["front-proxy.key"]); err != nil {
		return nil, err
	}
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if files["sa.key"], err = keyPEM(tokens); err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&tokens.PublicKey)
	if err != nil {
		return nil, err
	}
	files["sa.pub"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// client issues a certificate that authenticates user as a member of groups.
func (a *authorities) client(user string, groups []string) (certificate, key []byte, err error) {
	return a.cluster.issue(clientTemplate(user, groups))
}

// kubeconfig has one context, testbed, that says who the request names.
func (a *authorities) kubeconfig(r *request) (map[string]any, error) {
	// Bytes come out as base64.
	user := map[string]any{}
	switch {
	case r.Token != "":
		user["token"] = r.Token
	case r.User != "":
		certificate, key, err := a.client(r.User, r.Groups)
		if err != nil {
			return nil, err
		}
		user["client-certificate-data"], user["client-key-data"] = certificate, key
	}
	cluster := map[string]any{"server": r.Server, "certificate-authority-data": a.cluster.pem}
	context := map[string]any{"cluster": "testbed", "user": "testbed"}
	return map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "testbed",
		"clusters": []any{map[string]any{"name": "testbed", "cluster": cluster}},
		"users":    []any{map[string]any{"name": "testbed", "user": user}},
		"contexts": []any{map[string]any{"name": "testbed", "context": context}},
	}, nil
}

func (a *authorities) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cluster.certificate)
	return pool
}

func serverTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local",
		},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
	}
}

func clientTemplate(user string, groups []string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := dated(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
	})
	template.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key, certificatePEM(der)}, nil
}

func (a *authority) issue(template *x509.Certificate) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, dated(template), a.certificate, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	key, err = keyPEM(private)
	return certificatePEM(der), key, err
}

// dated gives a template a serial number and a validity of ten days from an hour
// ago, so that clocks that are set in tests do not end it.
func dated(template *x509.Certificate) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(0, 0, 10)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	return template
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}
