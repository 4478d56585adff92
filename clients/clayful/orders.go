package clayful

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Order is what of an order decides about money and time. Amounts are won.
type Order struct {
	ID           string                     `json:"_id"`
	Status       string                     `json:"status"`
	Done         bool                       `json:"done"`
	Customer     Ref                        `json:"customer"`
	CreatedAt    Time                       `json:"createdAt"`
	ReceivedAt   Time                       `json:"receivedAt"` // zero when not
	Meta         map[string]json.RawMessage `json:"meta"`
	Total        OrderTotal                 `json:"total"`
	Fulfillments []Fulfillment              `json:"fulfillments"`
	Refunds      []Refund                   `json:"refunds"`
	Transactions []Transaction              `json:"transactions"`
}

// OrderTotal is what an order costs.
type OrderTotal struct {
	Amount Num `json:"amount"`
}

// Fulfillment is a parcel.
type Fulfillment struct {
	Status    string `json:"status"` // pending, shipped, arrived
	UpdatedAt Time   `json:"updatedAt"`
}

// Refund is a claim to get money back.
type Refund struct {
	ID     string `json:"_id"`
	Status string `json:"status"` // requested, accepted, cancelled
	Reason *Text  `json:"reason"`
	Items  []struct {
		Item     Ref `json:"item"`
		Quantity Num `json:"quantity"`
	} `json:"items"`
	Shipments []struct {
		Shipment Ref `json:"shipment"`
	} `json:"shipments"`
	Total struct {
		Price struct {
			WithTax Num `json:"withTax"`
		} `json:"price"`
	} `json:"total"`
}

// Transaction is what went through a payment method.
type Transaction struct {
	PaymentMethod Ref   `json:"paymentMethod"`
	Paid          Num   `json:"paid"`
	Cancelled     Num   `json:"cancelled"`
	Refunded      Num   `json:"refunded"`
	VBanks        []Raw `json:"vbanks"`
}

// MetaString is a string in the order's meta, "" when absent.
func (o *Order) MetaString(field string) string {
	var s string
	_ = json.Unmarshal(o.Meta[field], &s) // of another kind: ""
	return s
}

func orderPath(id string) string { return "/orders/" + url.PathEscape(id) }

// Order reads any order. Refusal: not-existing-order.
func (c *Client) Order(ctx context.Context, id string) (*Order, error) {
	var o Order
	return &o, c.do(ctx, request{method: http.MethodGet, path: orderPath(id)}, &o)
}

// OrderPage is one page of all orders a query finds, newest first, at most 120.
func (c *Client) OrderPage(ctx context.Context, query url.Values, page int) ([]Order, error) {
	query.Set("page", strconv.Itoa(page))
	query.Set("limit", strconv.Itoa(pageSize))
	query.Set("sort", "-createdAt")
	var list []Order
	return list, c.do(ctx, request{method: http.MethodGet, path: "/orders", query: query}, &list)
}

// Recent is how many of a customer's orders are looked through for one that may
// just have been made.
const Recent = 20

// RecentOrders are a customer's newest orders, as far as money and meta go.
func (c *Client) RecentOrders(ctx context.Context, customer string) ([]Order, error) {
	query := url.Values{
		"customer": {customer}, "limit": {strconv.Itoa(Recent)}, "sort": {"-createdAt"},
		"fields": {"status,customer,createdAt,meta,total.amount"},
	}
	var list []Order
	return list, c.do(ctx, request{method: http.MethodGet, path: "/orders", query: query}, &list)
}

// RawOrder reads any order as a checkout answers it: plain numbers, ids.
func (c *Client) RawOrder(ctx context.Context, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodGet, path: orderPath(id), query: url.Values{"raw": {"true"}}})
}

// OwnOrders is one page of the orders of the customer a token belongs to,
// newest first, at most 120.
func (c *Client) OwnOrders(ctx context.Context, token string, page int) ([]Raw, error) {
	list := []Raw{}
	return list, c.do(ctx, request{method: http.MethodGet, path: "/me/orders", customer: token, query: url.Values{
		"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}, "sort": {"-createdAt"},
	}}, &list)
}

// OwnOrder reads an order of the customer a token belongs to. Refusal:
// not-existing-order, also for other people's.
func (c *Client) OwnOrder(ctx context.Context, token, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodGet, path: "/me" + orderPath(id), customer: token})
}

// UpdateOwnOrder changes request, meta or address of the customer's order.
func (c *Client) UpdateOwnOrder(ctx context.Context, token, id string, fields any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPut, path: "/me" + orderPath(id), customer: token, body: fields})
}

// CancelOrder cancels an order that is not paid. By is customer or store.
// Refusal: invalid-order-status.
func (c *Client) CancelOrder(ctx context.Context, id, by, reason string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: orderPath(id) + "/cancellation", body: map[string]string{"by": by, "reason": reason}})
}

// Receive marks the customer's order received, Unreceive takes it back.
// Refusals: received-order, invalid-order-status.
func (c *Client) Receive(ctx context.Context, token, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: "/me" + orderPath(id) + "/received", customer: token})
}

// Unreceive takes Receive back.
func (c *Client) Unreceive(ctx context.Context, token, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodDelete, path: "/me" + orderPath(id) + "/received", customer: token})
}

// MarkDone closes an order for good.
func (c *Client) MarkDone(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodPost, path: orderPath(id) + "/done"}, nil)
}

// SyncTransactions has the shop ask Iamport what was paid, and answers the
// order's status afterwards. It may be repeated.
func (c *Client) SyncTransactions(ctx context.Context, id string) (status string, err error) {
	var answer struct {
		Status string `json:"status"`
	}
	err = c.do(ctx, request{method: http.MethodPut, path: orderPath(id) + "/transactions"}, &answer)
	return answer.Status, err
}

// RequestRefund claims money back for the customer's order. Refusals:
// invalid-order-status, mismatching-vendor-order-resources, ….
func (c *Client) RequestRefund(ctx context.Context, token, id string, payload any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: "/me" + orderPath(id) + "/refunds", customer: token, body: payload})
}

// CancelRefund takes a claim back. Refusal: invalid-refund-status.
func (c *Client) CancelRefund(ctx context.Context, token, id, refund string, payload any) (Raw, error) {
	path := "/me" + orderPath(id) + "/refunds/" + url.PathEscape(refund) + "/cancellation"
	return c.raw(ctx, request{method: http.MethodPost, path: path, customer: token, body: payload})
}

// RestockAll puts the items of an accepted refund back into stock. What is back
// is not put back again.
func (c *Client) RestockAll(ctx context.Context, id, refund string) error {
	return c.do(ctx, request{method: http.MethodPost, path: orderPath(id) + "/refunds/" + url.PathEscape(refund) + "/restock/all"}, nil)
}
