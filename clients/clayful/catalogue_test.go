package clayful_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// TestShopReads has what each read asks of the shop, and that it hands on what
// it gets, digit by digit.
func TestShopReads(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, test := range map[string]struct {
		read  func(*clayful.Client) (any, error)
		path  string
		query url.Values
		body  string
		want  any
	}{
		"products": {
			func(c *clayful.Client) (any, error) {
				return c.ProductPage(ctx, url.Values{"collection": {"any"}, "q": {"별 & 달"}}, 3)
			},
			"/v1/products",
			url.Values{"collection": {"any"}, "q": {"별 & 달"}, "page": {"3"}, "limit": {"120"}},
			`[{"a":{"raw":1.0}},{"b":"가"}]`,
			[]clayful.Raw{[]byte(`{"a":{"raw":1.0}}`), []byte(`{"b":"가"}`)},
		},
		"no products": {
			func(c *clayful.Client) (any, error) { return c.ProductPage(ctx, url.Values{}, 1) },
			"/v1/products",
			url.Values{"page": {"1"}, "limit": {"120"}},
			`[]`,
			[]clayful.Raw{},
		},
		"a product": {
			func(c *clayful.Client) (any, error) { return c.Product(ctx, "a/b ?") },
			"/v1/products/a%2Fb%20%3F",
			url.Values{},
			`{"_id":"a"}`,
			clayful.Raw(`{"_id":"a"}`),
		},
		"catalogues": {
			func(c *clayful.Client) (any, error) { return c.Catalogs(ctx) },
			"/v1/catalogs",
			url.Values{"limit": {"120"}},
			`[{}]`,
			[]clayful.Raw{[]byte(`{}`)},
		},
		"collections": {
			func(c *clayful.Client) (any, error) { return c.RootCollections(ctx, 2) },
			"/v1/collections",
			url.Values{"parent": {"none"}, "fields": {"name"}, "page": {"2"}, "limit": {"120"}},
			`[{"name":"뷰티"}]`,
			[]clayful.Raw{[]byte(`{"name":"뷰티"}`)},
		},
		"shipping policies": {
			func(c *clayful.Client) (any, error) { return c.ShippingPolicies(ctx) },
			"/v1/shipping/policies",
			url.Values{"limit": {"120"}},
			`[{}]`,
			[]clayful.Raw{[]byte(`{}`)},
		},
	} {
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.EscapedPath() != test.path || r.URL.RawQuery != test.query.Encode() {
				http.Error(w, r.Method+" "+r.URL.String(), http.StatusTeapot)
				return
			}
			_, _ = io.WriteString(w, test.body)
		})
		got, err := test.read(client)
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
	}
}

func TestShopReadsSayWhatWentWrong(t *testing.T) {
	t.Parallel()
	for body, code := range map[string]string{`{"errorCode":"not-existing-product"}`: "not-existing-product", `<html>`: ""} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, body)
		})
		_, err := client.Product(t.Context(), "x")
		var refusal *clayful.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, code, refusal.Code)
	}
	for _, body := range []string{`{}`, `[`, `"x"`} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := client.Catalogs(t.Context())
		require.True(t, clayful.IsUnavailable(err), body)
	}
}
