package clayful

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Wishlist is a list of products a customer wishes for.
type Wishlist struct {
	ID   string `json:"_id"`
	Name Text   `json:"name"`
}

// OwnWishlists are the lists of the customer a token belongs to, the oldest
// first, at most 120.
func (c *Client) OwnWishlists(ctx context.Context, token string) ([]Wishlist, error) {
	var list []Wishlist
	return list, c.do(ctx, request{method: http.MethodGet, path: "/me/wishlists", customer: token, query: url.Values{
		"sort": {"createdAt"}, "limit": {strconv.Itoa(pageSize)},
	}}, &list)
}

// CreateOwnWishlist makes a list for the customer a token belongs to. It knows
// no idempotency.
func (c *Client) CreateOwnWishlist(ctx context.Context, token, name string) (Wishlist, error) {
	var made Wishlist
	return made, c.do(ctx, request{
		method: http.MethodPost, path: "/me/wishlists", customer: token, body: map[string]any{"name": name, "description": nil},
	}, &made)
}

// WishedProducts are all products of the customer's list.
func (c *Client) WishedProducts(ctx context.Context, token, list string) ([]Raw, error) {
	all := []Raw{}
	for page := 1; ; page++ {
		var some []Raw
		err := c.do(ctx, request{method: http.MethodGet, path: wishlistPath(list) + "/products", customer: token, query: url.Values{
			"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)},
		}}, &some)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
	}
}

// Wish puts a product on the customer's list. Refusal:
// not-existing-product-relation.
func (c *Client) Wish(ctx context.Context, token, list, product string) error {
	return c.do(ctx, request{
		method: http.MethodPost, path: wishlistPath(list) + "/items", customer: token, body: map[string]string{"product": product},
	}, nil)
}

// Unwish takes a product off the customer's list.
func (c *Client) Unwish(ctx context.Context, token, list, product string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: wishlistPath(list) + "/items/" + url.PathEscape(product), customer: token}, nil)
}

func wishlistPath(list string) string { return "/me/wishlists/" + url.PathEscape(list) }
