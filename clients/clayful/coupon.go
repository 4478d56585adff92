package clayful

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Coupon is what of a coupon is decided by. Whole is the document as sent.
type Coupon struct {
	ID        string `json:"_id"`
	ExpiresAt Time   `json:"expiresAt"` // zero when it never does
	Whole     Raw    `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Coupon) UnmarshalJSON(data []byte) error {
	type fields Coupon
	if err := json.Unmarshal(data, (*fields)(c)); err != nil {
		return err
	}
	c.Whole = append(Raw{}, data...)
	return nil
}

// Expired tells whether the coupon is of no use any more.
func (c *Coupon) Expired(now time.Time) bool {
	return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now)
}

// Coupons are all coupons of the shop.
func (c *Client) Coupons(ctx context.Context) ([]Coupon, error) {
	return c.coupons(ctx, request{path: "/coupons"})
}

// OwnCoupons are all coupons of the customer a token belongs to.
func (c *Client) OwnCoupons(ctx context.Context, token string) ([]Coupon, error) {
	return c.coupons(ctx, request{path: "/me/coupons", customer: token})
}

// CustomerCoupons are all coupons of a customer.
func (c *Client) CustomerCoupons(ctx context.Context, customer string) ([]Coupon, error) {
	return c.coupons(ctx, request{path: "/customers/" + url.PathEscape(customer) + "/coupons"})
}

func (c *Client) coupons(ctx context.Context, r request) ([]Coupon, error) {
	r.method = http.MethodGet
	all := []Coupon{}
	for page := 1; ; page++ {
		r.query = url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}}
		var some []Coupon
		if err := c.do(ctx, r, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
	}
}

// GiveCoupon gives a customer a coupon. It knows no idempotency: after
// IsUnavailable the customer may have it.
func (c *Client) GiveCoupon(ctx context.Context, customer, coupon string) (Raw, error) {
	return c.raw(ctx, request{
		method: http.MethodPost, path: "/customers/" + url.PathEscape(customer) + "/coupons", body: map[string]string{"coupon": coupon},
	})
}

// DeleteOwnCoupon takes a coupon away from the customer a token belongs to.
// Refusal: not-existing-coupon.
func (c *Client) DeleteOwnCoupon(ctx context.Context, token, coupon string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/me/coupons/" + url.PathEscape(coupon), customer: token}, nil)
}
