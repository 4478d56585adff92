package clayful

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Raw is a document as the shop sent it.
type Raw = json.RawMessage

func (c *Client) list(ctx context.Context, path string, query url.Values) ([]Raw, error) {
	list := []Raw{}
	return list, c.do(ctx, request{method: http.MethodGet, path: path, query: query}, &list)
}

func (c *Client) raw(ctx context.Context, r request) (Raw, error) {
	var answer Raw
	return answer, c.do(ctx, r, &answer)
}

// ProductPage is one page of the products a query finds, at most 120.
func (c *Client) ProductPage(ctx context.Context, query url.Values, page int) ([]Raw, error) {
	query.Set("page", strconv.Itoa(page))
	query.Set("limit", strconv.Itoa(pageSize))
	return c.list(ctx, "/products", query)
}

// Product reads one product. Refusal: not-existing-product.
func (c *Client) Product(ctx context.Context, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodGet, path: "/products/" + url.PathEscape(id)})
}

// Catalogs are the shop's newest catalogues, at most 120.
func (c *Client) Catalogs(ctx context.Context) ([]Raw, error) {
	return c.list(ctx, "/catalogs", url.Values{"limit": {strconv.Itoa(pageSize)}})
}

// RootCollections are the names of the collections that are in no other, at
// most 120 a page.
func (c *Client) RootCollections(ctx context.Context, page int) ([]Raw, error) {
	return c.list(ctx, "/collections", url.Values{
		"parent": {"none"}, "fields": {"name"}, "limit": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)},
	})
}

// ShippingPolicies are the shop's shipping policies, at most 120.
func (c *Client) ShippingPolicies(ctx context.Context) ([]Raw, error) {
	return c.list(ctx, "/shipping/policies", url.Values{"limit": {strconv.Itoa(pageSize)}})
}
