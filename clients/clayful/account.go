package clayful

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Name is a person's name. First holds the alias, by which customers can be
// searched for.
type Name struct {
	First *string `json:"first"`
	Last  *string `json:"last"`
	Full  *string `json:"full"`
}

// Fields customers are searched by.
const (
	ByUserID    = "userId"
	ByEmail     = "email"
	byFirstName = "firstName"
)

// CustomersBy are the customers whose field has the value. The filter's support
// is uncertain: callers look again.
func (c *Client) CustomersBy(ctx context.Context, field, value string) ([]Customer, error) {
	var some []Customer
	query := url.Values{field: {value}, "limit": {strconv.Itoa(pageSize)}}
	return some, c.do(ctx, request{method: http.MethodGet, path: "/customers", query: query}, &some)
}

// AliasHolders are the ids of the customers whose alias is the same as the one
// given, in the eyes of same.
func (c *Client) AliasHolders(ctx context.Context, alias string, same func(a, b string) bool) ([]string, error) {
	found, err := c.CustomersBy(ctx, byFirstName, alias)
	var ids []string
	for _, customer := range found {
		if customer.Alias != nil && same(*customer.Alias, alias) {
			ids = append(ids, customer.ID)
		}
	}
	return ids, err
}

// CreateCustomer makes an account and answers its id. Refusals:
// duplicated-user-id, duplicated-email, validation.
func (c *Client) CreateCustomer(ctx context.Context, fields any) (string, error) {
	var made struct {
		ID string `json:"_id"`
	}
	err := c.do(ctx, request{method: http.MethodPost, path: "/customers", body: fields}, &made)
	return made.ID, err
}

// DeleteCustomer deletes an account for good. Refusal: not-existing-customer.
func (c *Client) DeleteCustomer(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/customers/" + url.PathEscape(id)}, nil)
}

// UpdateMe changes the given fields of the customer a token belongs to; keys of
// meta that are not given stay.
func (c *Client) UpdateMe(ctx context.Context, token string, fields any) error {
	return c.do(ctx, request{method: http.MethodPut, path: "/me", customer: token, body: fields}, nil)
}

// Credentials are what a customer logs in with. What is "" stays.
type Credentials struct {
	UserID   string `json:"userId,omitempty"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password,omitempty"` //nolint:gosec // sent to the shop, which keeps it
}

// UpdateMyCredentials changes what the customer of a token logs in with, if the
// password is theirs. Refusals: invalid-password, duplicated-email,
// duplicated-user-id.
func (c *Client) UpdateMyCredentials(ctx context.Context, token, password string, credentials Credentials) error {
	body := map[string]any{"password": password, "credentials": credentials}
	return c.do(ctx, request{method: http.MethodPut, path: "/me/credentials", customer: token, body: body}, nil)
}

// MailReset has the shop mail a link with which a new password can be set for
// so many seconds. Refusals: not-existing-customer, email-required.
func (c *Client) MailReset(ctx context.Context, userID string, expiresIn int) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/customers/verifications/emails", body: map[string]any{
		"userId": userID, "expiresIn": expiresIn, "scope": "reset-password",
	}}, nil)
}

// ResetPassword sets a new password by a mailed secret, which counts once.
func (c *Client) ResetPassword(ctx context.Context, id, secret, password string) error {
	return c.do(ctx, request{method: http.MethodPut, path: "/customers/" + url.PathEscape(id) + "/password", body: map[string]string{
		"secret": secret, "password": password,
	}}, nil)
}

// HasWishlist tells whether the customer has a wishlist.
func (c *Client) HasWishlist(ctx context.Context, customerID string) (bool, error) {
	var lists []struct {
		Customer Ref `json:"customer"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/wishlists", query: url.Values{"customer": {customerID}}}, &lists)
	for _, list := range lists {
		if string(list.Customer) == customerID {
			return true, err
		}
	}
	return false, err
}

// CreateWishlist gives a customer a wishlist.
func (c *Client) CreateWishlist(ctx context.Context, customerID, name string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/wishlists", body: map[string]any{
		"customer": customerID, "name": name, "description": nil,
	}}, nil)
}

// SocialVendors are the vendors the customer logs in with, none when they have
// a password of their own.
func (c *Customer) SocialVendors() []string {
	var social []struct {
		Vendor string `json:"vendor"`
	}
	_ = json.Unmarshal(c.Social, &social) // of another kind: none
	vendors := make([]string, len(social))
	for i, s := range social {
		vendors[i] = s.Vendor
	}
	return vendors
}
