package mux

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

const apiBase = "https://api.mux.com"

// mux-go has a fixed base URL and sends through http.DefaultTransport. The one
// thing of a request it lets its user set is the Host header. So a client with
// another base URL marks its requests with that URL's host, and the transport
// installed here sends what is addressed to api.mux.com and so marked there.
// Nothing else that uses http.DefaultTransport is touched.
var redirects struct {
	sync.Once
	bases sync.Map // mark -> *url.URL
}

func redirect(baseURL string) (mark string, err error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return "", fmt.Errorf("mux: %q is no base URL", baseURL)
	}
	if base.Path == "" {
		base.Path = "/" // else what is joined to it begins without a slash
	}
	redirects.Do(func() { http.DefaultTransport = redirecting{http.DefaultTransport} })
	redirects.bases.Store(base.Host, base)
	return base.Host, nil
}

type redirecting struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t redirecting) RoundTrip(r *http.Request) (*http.Response, error) {
	base, marked := redirects.bases.Load(r.Host)
	if r.URL.Host != "api.mux.com" || !marked {
		return t.next.RoundTrip(r)
	}
	to := base.(*url.URL)
	r = r.Clone(r.Context())
	query := r.URL.RawQuery
	r.URL = to.JoinPath(r.URL.EscapedPath())
	r.URL.RawQuery = query
	return t.next.RoundTrip(r)
}
