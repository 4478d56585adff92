package clayful

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Customer is a member of the shop. Meta holds the shop's own fields.
type Customer struct {
	ID        string                     `json:"_id"`
	UserID    Text                       `json:"userId"`
	Email     Text                       `json:"email"`
	Alias     *string                    `json:"alias"`
	Avatar    Image                      `json:"avatar"`
	Groups    []Ref                      `json:"groups"`
	Country   json.RawMessage            `json:"country"`
	Language  json.RawMessage            `json:"language"`
	Currency  json.RawMessage            `json:"currency"`
	Timezone  json.RawMessage            `json:"timezone"`
	Social    json.RawMessage            `json:"social"`
	CreatedAt Time                       `json:"createdAt"`
	Meta      map[string]json.RawMessage `json:"meta"`
}

// InGroup tells whether the customer is in the group of that id.
func (c *Customer) InGroup(id string) bool {
	for _, group := range c.Groups {
		if string(group) == id {
			return true
		}
	}
	return false
}

// Auth is a customer's proof of identity. Token is a secret.
type Auth struct {
	Customer  Ref    `json:"customer"`
	Token     string `json:"token"`
	ExpiresIn Num    `json:"expiresIn"` // seconds; 0 when not told
}

// Authenticate logs a customer in. Refusals: not-existing-customer,
// invalid-password.
func (c *Client) Authenticate(ctx context.Context, userID, password string) (Auth, error) {
	var auth Auth
	err := c.do(ctx, request{method: http.MethodPost, path: "/customers/auth", body: map[string]string{
		"userId": userID, "password": password,
	}}, &auth)
	return auth, err
}

// Me is the customer a customer token belongs to. Refusal: unauthorized.
func (c *Client) Me(ctx context.Context, token string) (*Customer, error) {
	var me Customer
	return &me, c.do(ctx, request{method: http.MethodGet, path: "/me", customer: token}, &me)
}

// Customer reads one customer. Refusal: not-existing-customer.
func (c *Client) Customer(ctx context.Context, id string) (*Customer, error) {
	var customer Customer
	return &customer, c.do(ctx, request{method: http.MethodGet, path: "/customers/" + url.PathEscape(id)}, &customer)
}

// UpdateCustomer changes the given fields of a customer; keys of meta that are
// not given stay.
func (c *Client) UpdateCustomer(ctx context.Context, id string, fields any) error {
	return c.do(ctx, request{method: http.MethodPut, path: "/customers/" + url.PathEscape(id), body: fields}, nil)
}

// UpdateMe changes the given fields of the customer a token belongs to; keys of
// meta that are not given stay.
func (c *Client) UpdateMe(ctx context.Context, token string, fields any) error {
	return c.do(ctx, request{method: http.MethodPut, path: "/me", customer: token, body: fields}, nil)
}

// pageSize is the largest page Clayful gives.
const pageSize = 120

// CustomersInGroup are all customers of a group, newest first.
func (c *Client) CustomersInGroup(ctx context.Context, group string) ([]Customer, error) {
	var all []Customer
	for page := 1; ; page++ {
		var some []Customer
		query := url.Values{
			"group": {group}, "sort": {"-createdAt"}, "limit": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)},
		}
		if err := c.do(ctx, request{method: http.MethodGet, path: "/customers", query: query}, &some); err != nil {
			return nil, err
		}
		for _, customer := range some { // the filter's support is uncertain
			if customer.InGroup(group) {
				all = append(all, customer)
			}
		}
		if len(some) < pageSize {
			return all, nil
		}
	}
}

// PushMeta adds values to a list in the meta of a document, each once. Model is
// the path of the document's kind, as "customers" or "products".
func (c *Client) PushMeta(ctx context.Context, model, id, field string, values ...string) error {
	return c.meta(ctx, model, id, field, "push", map[string]any{"value": values, "unique": true})
}

// PullMeta removes values from a list in the meta of a document.
func (c *Client) PullMeta(ctx context.Context, model, id, field string, values ...string) error {
	return c.meta(ctx, model, id, field, "pull", map[string]any{"value": values})
}

func (c *Client) meta(ctx context.Context, model, id, field, operation string, body any) error {
	path := "/" + model + "/" + url.PathEscape(id) + "/meta/" + url.PathEscape(field) + "/" + operation
	return c.do(ctx, request{method: http.MethodPost, path: path, body: body}, nil)
}

// Products are the products of those ids that exist, whole, in that order.
func (c *Client) Products(ctx context.Context, ids []string) ([]json.RawMessage, error) {
	found := map[string]json.RawMessage{}
	for start := 0; start < len(ids); start += pageSize {
		chunk := ids[start:min(start+pageSize, len(ids))]
		query := url.Values{"ids": {strings.Join(chunk, ",")}, "limit": {strconv.Itoa(pageSize)}}
		var some []json.RawMessage
		if err := c.do(ctx, request{method: http.MethodGet, path: "/products", query: query}, &some); err != nil {
			return nil, err
		}
		for _, product := range some {
			var key struct {
				ID string `json:"_id"`
			}
			if err := json.Unmarshal(product, &key); err == nil {
				found[key.ID] = product
			}
		}
	}
	products := make([]json.RawMessage, 0, len(found))
	for _, id := range ids {
		if product, ok := found[id]; ok {
			products = append(products, product)
			delete(found, id)
		}
	}
	return products, nil
}
