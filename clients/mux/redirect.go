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
// another base URL, or a transport of its own, marks its requests with that
// URL's host, and the transport installed here sends what is addressed to
// api.mux.com and so marked there. Nothing else that uses http.DefaultTransport
// is touched.
var redirects struct {
	sync.Once
	plain http.RoundTripper // what was http.DefaultTransport
	bases sync.Map          // mark -> destination
}

// destination is where marked requests go, and through what.
type destination struct {
	base *url.URL
	via  http.RoundTripper
}

// redirect sends what bears the mark to a base URL, through what observe makes
// of the transport, which it also returns.
func redirect(baseURL string, observe func(http.RoundTripper) http.RoundTripper) (mark string, via http.RoundTripper, err error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return "", nil, fmt.Errorf("mux: %q is no base URL", baseURL)
	}
	if base.Path == "" {
		base.Path = "/" // else what is joined to it begins without a slash
	}
	redirects.Do(func() { redirects.plain, http.DefaultTransport = http.DefaultTransport, redirecting{} })
	via = redirects.plain
	if observe != nil {
		via = observe(via)
	}
	redirects.bases.Store(base.Host, destination{base, via})
	return base.Host, via, nil
}

type redirecting struct{}

// RoundTrip implements http.RoundTripper.
func (redirecting) RoundTrip(r *http.Request) (*http.Response, error) {
	to, marked := redirects.bases.Load(r.Host)
	if r.URL.Host != "api.mux.com" || !marked {
		return redirects.plain.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	query := r.URL.RawQuery
	r.URL = to.(destination).base.JoinPath(r.URL.EscapedPath())
	r.URL.RawQuery = query
	return to.(destination).via.RoundTrip(r)
}
