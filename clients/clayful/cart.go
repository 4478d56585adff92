package clayful

import (
	"context"
	"net/http"
	"net/url"
)

// Cart prices the cart of the customer a token belongs to. Payload may name an
// address and discounts; nil is none.
func (c *Client) Cart(ctx context.Context, token string, payload any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: "/me/cart", customer: token, body: payload})
}

// AddCartItem puts a line into the cart.
func (c *Client) AddCartItem(ctx context.Context, token string, item any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: "/me/cart/items", customer: token, body: item})
}

// UpdateCartItem changes the given fields of a line.
func (c *Client) UpdateCartItem(ctx context.Context, token, item string, fields any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPut, path: "/me/cart/items/" + url.PathEscape(item), customer: token, body: fields})
}

// DeleteCartItem takes a line out of the cart.
func (c *Client) DeleteCartItem(ctx context.Context, token, item string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/me/cart/items/" + url.PathEscape(item), customer: token}, nil)
}

// EmptyCart takes every line out of the cart.
func (c *Client) EmptyCart(ctx context.Context, token string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/me/cart/items", customer: token}, nil)
}

// Checkout makes an order, of the customer's cart or of the items the payload
// names. It knows no idempotency: after IsUnavailable the order may exist.
func (c *Client) Checkout(ctx context.Context, customer string, payload any) (Raw, error) {
	return c.raw(ctx, request{
		method: http.MethodPost, path: "/customers/" + url.PathEscape(customer) + "/cart/checkout/order", body: payload,
	})
}
