package clayful

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) orderRoutes() []route {
	routes := []route{
		{"GET", "/orders", backend, s.list("orders")},
		{"GET", "/orders/count", backend, s.count("orders")},
		{"DELETE", "/orders/{id}", backend, s.deleteOrder},
		{"POST", "/orders/{id}/done", backend, s.markDone},
		{"DELETE", "/orders/{id}/done", backend, s.markDone},
		{"GET", "/orders/{id}/inventory/operations", backend, s.inventoryOperations},
		{"POST", "/orders/{id}/fulfillments", backend, s.createFulfillment},
		{"PUT", "/orders/{id}/fulfillments/{fulfillment}", backend, s.updateFulfillment},
		{"DELETE", "/orders/{id}/fulfillments/{fulfillment}", backend, s.deleteFulfillment},
		{"POST", "/orders/{id}/refunds/{refund}/accepted", backend, s.acceptRefund},
		{"DELETE", "/orders/{id}/refunds/{refund}/accepted", backend, s.acceptRefund},
		{"POST", "/orders/{id}/refunds/{refund}/restock", backend, s.restock},
		{"POST", "/orders/{id}/refunds/{refund}/restock/all", backend, s.restock},
		{"GET", "/me/orders", meOnly, s.list("orders")},
		{"GET", "/me/orders/count", meOnly, s.count("orders")},
	}
	for base, access := range map[string]access{"/orders/{id}": backend, "/me/orders/{id}": meOnly} {
		routes = append(routes,
			route{"GET", base, access, s.getOrder},
			route{"PUT", base, access, s.updateOrder},
			route{"POST", base + "/cancellation", access, s.cancelOrder},
			route{"POST", base + "/received", access, s.markReceived},
			route{"DELETE", base + "/received", access, s.markReceived},
			route{"PUT", base + "/transactions", access, s.updateTransactions},
			route{"POST", base + "/refunds", access, s.requestRefund},
			route{"PUT", base + "/refunds/{refund}", access, s.updateRefund},
			route{"POST", base + "/refunds/{refund}/cancellation", access, s.cancelRefund})
	}
	return routes
}

// order is an order in its raw form.
type order struct {
	ID           string         `json:"_id"`
	Status       string         `json:"status"`
	Language     string         `json:"language"`
	Synced       bool           `json:"synced"`
	Done         bool           `json:"done"`
	Tags         []string       `json:"tags"`
	Reviews      []any          `json:"reviews"`
	Cancellation *cancellation  `json:"cancellation"`
	Request      *string        `json:"request"`
	PaidAt       *string        `json:"paidAt"`
	ReceivedAt   *string        `json:"receivedAt"`
	SyncTriedAt  *string        `json:"syncTriedAt"`
	Meta         map[string]any `json:"meta"`
	Currency     map[string]any `json:"currency"`
	Tax          map[string]any `json:"tax"`
	Customer     map[string]any `json:"customer"`
	Address      map[string]any `json:"address"`
	Total        totals         `json:"total"`
	Items        []orderItem    `json:"items"`
	Shipments    []*shipment    `json:"shipments"`
	Fulfillments []fulfillment  `json:"fulfillments"`
	Refunds      []refund       `json:"refunds"`
	Transactions []transaction  `json:"transactions"`
	CreatedAt    string         `json:"createdAt"`
	UpdatedAt    string         `json:"updatedAt"`
}

type orderItem struct {
	ID             string      `json:"_id"`
	Type           string      `json:"type"`
	Product        string      `json:"product"`
	Variant        string      `json:"variant"`
	Quantity       int64       `json:"quantity"`
	Unfulfilled    int64       `json:"unfulfilled"`
	Brand          any         `json:"brand"`
	Vendor         *string     `json:"vendor,omitempty"`
	ShippingMethod *string     `json:"shippingMethod"`
	Request        *string     `json:"request"`
	TaxCategory    *string     `json:"taxCategory"`
	Collections    any         `json:"collections"`
	Bundle         []orderItem `json:"bundleItems"`
	Price          amounts     `json:"price"`
	Discounted     int64       `json:"discounted"`
	Taxed          int64       `json:"taxed"`
	Discounts      []discount  `json:"discounts"`
	Taxes          []tax       `json:"taxes"`
	Total          itemsTotal  `json:"total"`
}

type cancellation struct {
	By          string  `json:"by"` // customer, store
	Reason      *string `json:"reason"`
	CancelledAt string  `json:"cancelledAt"`
}

// paid, returned and owed are the sums an order's status follows from.
func (o *order) paid() (sum int64) {
	for _, t := range o.Transactions {
		sum += t.Paid
	}
	return sum
}

func (o *order) returned() (sum int64) {
	for _, t := range o.Transactions {
		sum += t.Cancelled + t.Refunded
	}
	return sum
}

func (o *order) owed() (sum int64) {
	for _, r := range o.Refunds {
		if r.Status != "cancelled" {
			sum += r.Total.Price.WithTax
		}
	}
	return sum
}

// settle gives the order the status its sums stand for.
func (o *order) settle() {
	paid, returned, owed, due := o.paid(), o.returned(), o.owed(), o.Total.Amount
	switch {
	case o.Cancellation != nil:
		o.Status = "cancelled"
	case due == 0:
		o.Status = "paid"
	case paid == 0:
		o.Status = "placed"
	case owed == 0 && returned == 0 && paid == due:
		o.Status = "paid"
	case owed == 0 && returned == 0 && paid < due:
		o.Status = "under-paid"
	case owed == 0 && returned == 0:
		o.Status = "over-paid"
	case returned < owed:
		o.Status = "under-refunded"
	case returned > owed:
		o.Status = "over-refunded"
	case owed >= due:
		o.Status = "refunded"
	default:
		o.Status = "partially-refunded"
	}
	if o.PaidAt == nil && (paid > 0 || due == 0) {
		now := stamp(time.Now())
		o.PaidAt = &now
	}
}

func (o *order) item(id string) *orderItem {
	i := slices.IndexFunc(o.Items, func(item orderItem) bool { return item.ID == id })
	if i < 0 {
		return nil
	}
	return &o.Items[i]
}

// asOrder reads a document.
func asOrder(d document) (*order, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode order: %w", err)
	}
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("decode order: %w", err)
	}
	return &o, nil
}

// ownOrder is the order a route is about. Other people's do not exist.
func (s *Server) ownOrder(c call) (document, error) {
	d, err := s.load(c.Context(), "orders", chi.URLParam(c.Request, "id"))
	if err != nil {
		return nil, err
	}
	if c.customer != "" && lookup(d, "customer", "_id") != c.customer {
		return nil, notExisting("orders")
	}
	return d, nil
}

func (s *Server) getOrder(c call) (any, error) {
	d, err := s.ownOrder(c)
	if err != nil {
		return nil, err
	}
	return s.showOrders(c, []document{d})
}

func (s *Server) showOrders(c call, found []document) (any, error) {
	shown, err := s.shown(c, "orders", found)
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// changeOrder lets do change the order a route is about, and tells the
// webhooks of the module.
func (s *Server) changeOrder(c call, module string, params map[string]any, do func(pgx.Tx, *order) error) (*order, error) {
	if _, err := s.ownOrder(c); err != nil {
		return nil, err
	}
	var o *order
	_, err := s.change(c.Context(), "orders", chi.URLParam(c.Request, "id"), func(tx pgx.Tx, d document) (err error) {
		if o, err = asOrder(d); err != nil {
			return err
		}
		if err := do(tx, o); err != nil {
			return err
		}
		o.settle()
		o.UpdatedAt = stamp(time.Now())
		for key, value := range asDocument(o) {
			d[key] = value
		}
		if params == nil {
			params = map[string]any{}
		}
		params["orderId"] = o.ID
		return s.notify(c.Context(), tx, "order."+module, params, o)
	})
	return o, err
}

func (s *Server) updateOrder(c call) (any, error) {
	var in struct {
		Request *string                   `json:"request"`
		Meta    map[string]any            `json:"meta"`
		Tags    []string                  `json:"tags"`
		Address map[string]map[string]any `json:"address"`
	}
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	maps.DeleteFunc(in.Address, func(_ string, address map[string]any) bool { return address == nil })
	for kind, address := range in.Address {
		if err := validAddress(kind, address); err != nil {
			return nil, err
		}
	}
	if c.customer != "" && in.Tags != nil {
		return nil, invalid("tags")
	}
	o, err := s.changeOrder(c, "update", nil, func(_ pgx.Tx, o *order) error {
		if in.Request != nil {
			o.Request = in.Request
		}
		for key, value := range in.Meta {
			o.Meta[key] = value
		}
		for _, kind := range []string{"shipping", "billing"} {
			if address, ok := in.Address[kind]; ok {
				o.Address[kind] = address
			}
		}
		if in.Tags != nil {
			o.Tags = in.Tags
		}
		return nil
	})
	return o, err
}

func (s *Server) deleteOrder(c call) (any, error) {
	_, err := s.pool.Exec(c.Context(), "DELETE FROM sandbox_clayful.document WHERE model = 'orders' AND id = $1", chi.URLParam(c.Request, "id"))
	return nil, err
}

type reasonRequest struct {
	By     string  `json:"by"`
	Reason *string `json:"reason"`
}

// cancellationBy reads who cancels and why.
func cancellationBy(c call) (*cancellation, error) {
	var in reasonRequest
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if c.customer != "" {
		in.By = "customer"
	}
	if in.By != "customer" && in.By != "store" {
		return nil, invalid("by")
	}
	return &cancellation{By: in.By, Reason: in.Reason, CancelledAt: stamp(time.Now())}, nil
}

// cancelOrder ends an order that is not paid; its stock comes back.
func (s *Server) cancelOrder(c call) (any, error) {
	by, err := cancellationBy(c)
	if err != nil {
		return nil, err
	}
	o, err := s.changeOrder(c, "cancel", nil, func(tx pgx.Tx, o *order) error {
		if o.Status != "placed" {
			return badRequest("invalid-order-status")
		}
		o.Cancellation = by
		var moves []move
		for _, item := range o.Items {
			for _, ordered := range append([]orderItem{item}, item.Bundle...) {
				moves = append(moves, move{ordered.Product, ordered.Variant, ordered.Quantity})
			}
		}
		return moveStock(c.Context(), tx, moves)
	})
	return o, err
}

func (s *Server) markDone(c call) (any, error) {
	module := "markAsDone"
	if c.Method == http.MethodDelete {
		module = "markAsUndone"
	}
	o, err := s.changeOrder(c, module, nil, func(_ pgx.Tx, o *order) error {
		o.Done = c.Method == http.MethodPost
		return nil
	})
	return map[string]any{"done": err == nil && o.Done}, err
}

func (s *Server) markReceived(c call) (any, error) {
	module := "markAsReceived"
	if c.Method == http.MethodDelete {
		module = "markAsNotReceived"
	}
	o, err := s.changeOrder(c, module, nil, func(_ pgx.Tx, o *order) error {
		received := c.Method == http.MethodPost
		switch {
		case o.Status == "placed" || o.Status == "cancelled":
			return badRequest("invalid-order-status")
		case received && o.ReceivedAt != nil:
			return badRequest("received-order")
		case !received && o.ReceivedAt == nil:
			return badRequest("not-received-order")
		}
		o.ReceivedAt = nil
		if received {
			now := stamp(time.Now())
			o.ReceivedAt = &now
		}
		return nil
	})
	return map[string]any{"received": err == nil && o.ReceivedAt != nil}, err
}

// inventoryOperations tell what the order did to the stock.
func (s *Server) inventoryOperations(c call) (any, error) {
	d, err := s.ownOrder(c)
	if err != nil {
		return nil, err
	}
	o, err := asOrder(d)
	if err != nil {
		return nil, err
	}
	operations := []map[string]any{}
	for _, item := range o.Items {
		operations = append(operations, map[string]any{"item": item.ID, "variant": item.Variant, "quantity": -item.Quantity})
		if o.Cancellation != nil {
			operations = append(operations, map[string]any{"item": item.ID, "variant": item.Variant, "quantity": item.Quantity})
		}
	}
	for _, r := range o.Refunds {
		for _, back := range r.Items {
			if back.Restocked > 0 {
				operations = append(operations, map[string]any{"item": back.Item, "refund": r.ID, "quantity": back.Restocked})
			}
		}
	}
	return operations, nil
}

// ErrRefused is the shop's refusal of what the control API asks for.
var ErrRefused = errors.New("the shop refuses")
