// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.pem, _, a.key = a.sign(t, a.certificate)
	return a
}

// sign returns a certificate and its key in PEM form.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (certificate, key string, private *ecdsa.PrivateKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})), private
}

// leaf is a certificate for a name, which ends at a time.
func leaf(name string, ends time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// listenTLS serves as an engine with a certificate, and returns its address.
func listenTLS(t *testing.T, a *authority, template *x509.Certificate, clients *authority) string {
	t.Helper()
	certificate, key, _ := a.sign(t, template)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ID":"TLS","Name":"edge1"}`)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		pool := x509.NewCertPool()
		pool.AddCert(mustParse(t, clients.pem))
		server.TLS.ClientCAs, server.TLS.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return "tcp://" + strings.TrimPrefix(server.URL, "https://")
}

func mustParse(t *testing.T, content string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(content))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// Certificates are verified, and what is wrong with one is said, with the setting that mends it.
func TestTLSOfAnEngine(t *testing.T) {
	t.Parallel()
	own, other := newAuthority(t, "own"), newAuthority(t, "other")
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	clientCertificate, clientKey, _ := own.sign(t, leaf("client", later))
	strangeCertificate, strangeKey, _ := other.sign(t, leaf("client", later))
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		host string
		tls  engine.TLS
		says []string
	}{
		"a name of the certificate": {listenTLS(t, own, leaf("engine.test", later), nil), engine.TLS{CA: own.pem, ServerName: "engine.test"}, nil},
		"files":                     {listenTLS(t, own, leaf("engine.test", later), nil), engine.TLS{CA: file("ca.pem", own.pem), ServerName: "engine.test"}, nil},
		"not verified":              {listenTLS(t, own, leaf("engine.test", earlier), nil), engine.TLS{Insecure: true}, nil},
		"another CA":                {listenTLS(t, own, leaf("engine.test", later), nil), engine.TLS{CA: other.pem, ServerName: "engine.test"}, []string{"tls.ca"}},
		"another name":              {listenTLS(t, own, leaf("engine.test", later), nil), engine.TLS{CA: own.pem, ServerName: "edge.test"}, []string{"tls.server_name", "engine.test"}},
		"the address's name":        {listenTLS(t, own, leaf("engine.test", later), nil), engine.TLS{CA: own.pem}, []string{"tls.server_name"}},
		"an old one":                {listenTLS(t, own, leaf("engine.test", earlier), nil), engine.TLS{CA: own.pem, ServerName: "engine.test"}, []string{"expired", "renew"}},
		"a client's certificate":    {listenTLS(t, own, leaf("engine.test", later), own), engine.TLS{CA: own.pem, ServerName: "engine.test", Certificate: clientCertificate, Key: file("key.pem", clientKey)}, nil},
		"none of a client":          {listenTLS(t, own, leaf("engine.test", later), own), engine.TLS{CA: own.pem, ServerName: "engine.test"}, []string{"certificate"}},
		"a strange client":          {listenTLS(t, own, leaf("engine.test", later), own), engine.TLS{CA: own.pem, ServerName: "engine.test", Certificate: strangeCertificate, Key: strangeKey}, []string{"certificate"}},
		"a file that is not there":  {"tcp://127.0.0.1:1", engine.TLS{CA: filepath.Join(dir, "none.pem")}, []string{"none.pem"}},
		"what does not speak TLS":   {garbage(t), engine.TLS{CA: own.pem}, []string{"does not speak TLS"}},
		"nobody":                    {"tcp://127.0.0.1:1", engine.TLS{CA: own.pem}, []string{"127.0.0.1:1"}},
		"a key of another":          {"tcp://127.0.0.1:1", engine.TLS{Certificate: clientCertificate, Key: strangeKey}, []string{"tls"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails(t, engine.Connection{Host: tt.host, TLS: &tt.tls}, tt.says...)
		})
	}
}

// garbage listens, and says what no engine says.
func garbage(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "220 mail.test ESMTP\r\n")
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return "tcp://" + listener.Addr().String()
}

// A password in an address is refused, and in no message.
func TestPasswordInAnAddress(t *testing.T) {
	t.Parallel()
	c := engine.Connection{Host: "ssh://deploy:hunter2@edge1"}
	where, err := c.Resolve(t.Context())
	if err == nil || strings.Contains(err.Error()+where.Host, "hunter2") || strings.Contains(engine.Redacted(c.Host), "hunter2") {
		t.Errorf("%q: %v", where.Host, err)
	}
	for _, host := range []string{"unix:///run/docker.sock", "ssh://deploy@edge1:2222", "tcp://10.0.0.5:2376"} {
		if got := engine.Redacted(host); got != host {
			t.Errorf("%s is shown as %s", host, got)
		}
	}
}

// Where an engine is costs no program: the same host as with everything that is needed to reach it.
func TestLocated(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // No ssh is there to be asked.
	for _, c := range []engine.Connection{
		{Host: "unix://docker.sock"}, {Host: "tcp://10.0.0.5:2376"}, {Host: "ssh://deploy@edge1"}, {Host: "ssh://edge1:2222/run/docker.sock"},
		{Host: "ssh://edge1", SSH: &sshlink.Settings{User: "deploy", Port: "22", Socket: "/run/user/1000/docker.sock", KnownHosts: "edge1 ssh-ed25519 AAAA\n"}},
	} {
		host, err := c.Located()
		where, _ := c.Resolve(t.Context()) // Without a key it is no address to connect to, but it has the host.
		if err != nil || host == "" || host != where.Host {
			t.Errorf("%s is located as %q, and resolved as %q: %v", c.Host, host, where.Host, err)
		}
	}
}
